/** The scripts of the shared tier, which Redis runs one after the other: each is atomic. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisAnswer } from "@teranga/kit/redis/redis-answer.ts";
import type { RedisLink } from "@teranga/kit/redis/redis-link.ts";

const read = (name: string) => readFileSync(new URL(`${name}.lua`, import.meta.url), "utf8");
const history = read("history");

export interface Script {
  text: string;
  sha: string;
}

function script(name: string): Script {
  const text = `${history}\n${read(name)}`;
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

export const SCRIPTS = {
  look: script("look"),
  put: script("put"),
  release: script("release"),
  tell: script("tell"),
};

/** Runs a script. Its text is sent only to a server that does not know it. */
export async function runScript<Reply>(
  link: RedisLink,
  { text, sha }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<RedisAnswer<Reply>> {
  const rest = [`${keys.length}`, ...keys, ...args];
  const answer = await link.ask<Reply>(["EVALSHA", sha, ...rest]);
  if (answer.kind !== "refused" || !answer.message.startsWith("NOSCRIPT")) return answer;
  return link.ask<Reply>(["EVAL", text, ...rest]);
}
