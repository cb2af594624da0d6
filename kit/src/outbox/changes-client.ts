/** Asks services for their changes (changes-route.ts), over connections of its own. */
import { Agent, request } from "undici";
import { authorization } from "../http/credential.ts";
import { type ChangesAnswer, changesAnswer } from "./changes-answer.ts";

/**
 * Asks an instance.
 * @param query where the caller is: empty, or `?epoch=…&number=…`
 * @throws Error if it does not answer, or answers something else
 */
export type GetChanges = (url: string, query: string) => Promise<ChangesAnswer>;

/** A request is held for 250 ms. */
const DEADLINE_MS = 750;
/** 1,000 changes with the longest keys. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

export function createChangesClient(credential: string | undefined): {
  get: GetChanges;
  close: () => Promise<void>;
} {
  const agent = new Agent({
    connect: { timeout: DEADLINE_MS },
    keepAliveTimeout: 30_000,
    maxResponseSize: ANSWER_BYTES_MAX,
  });
  const headers = {
    accept: "application/json",
    ...(credential !== undefined && { authorization: authorization(credential) }),
  };
  const get: GetChanges = async (url, query) => {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const { statusCode, body } = await request(url + query, { dispatcher: agent, headers, signal });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`answers ${statusCode}`);
    }
    return changesAnswer.parse(await body.json());
  };
  return { get, close: () => agent.destroy() };
}
