/**
 * `npm run worst:door`: sends half-sent bodies, a long pipeline and requests whose large answers are never
 * read, all at once, and then SIGTERM. It prints the gateway's memory, the slowest answer of /health/live,
 * and the time to the process's end.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { type Stage, startStage } from "./stage.ts";

const HALF_SENT = 400;
const PIPELINE_BYTES = 438_000;
const LOOK_MS = 100;

const options = z.object({
  answers: z.coerce.number().int().min(1).max(200).default(30),
  aliases: z.coerce.number().int().min(1).max(95).default(50),
  seconds: z.coerce.number().int().min(1).max(300).default(20),
  shared: z.enum(["true", "false"]).default("false"),
});

const usage = {
  command: "npm run worst:door",
  about: "Attacks a gateway at its door, ends it amid that, and measures what it takes.",
  options: {
    "--answers N": "How many answers nobody reads, 30 by default.",
    "--aliases N": "How large they are: 0.6 MB an alias, 50 by default; with 80 they are beyond the limit.",
    "--seconds N": "How long it is looked at before SIGTERM, 20 by default.",
    "--shared true":
      "All ask in the same words, so that services are asked once for all; by default each by a name of its own.",
  },
};

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(usage, async () => {
  const { answers, aliases, seconds, shared } = readOptions(options, process.argv.slice(2));
  const sdl = readFileSync(new URL("../../schema/generated/supergraph.graphql", import.meta.url), "utf8");
  const stage = await startStage(sdl, { GATEWAY_DEADLINE_MS: "60000" });
  try {
    const bodyOf = (client: number) =>
      JSON.stringify({ query: largeQuery(aliases, shared === "true" ? 0 : client) });
    say(
      `one such answer: ${megabytes(await sizeOf(stage, bodyOf(0)))} MB; memory ${megabytes(memory(stage))} MB`,
    );
    const sockets = [
      ...Array.from({ length: HALF_SENT }, () => halfSent(stage)),
      pipeline(stage),
      ...Array.from({ length: answers }, (_, client) => unread(stage, bodyOf(client))),
    ];
    const { mostBytes, slowestMs, open } = await watch(stage, sockets, seconds * 1_000);
    say(`memory: ${megabytes(mostBytes)} MB at most; /health/live: ${slowestMs.toFixed(0)} ms at most`);
    say(`connections of the attack that are still open after ${seconds} s: ${open} of ${sockets.length}`);
    const startMs = performance.now();
    stage.gateway.kill("SIGTERM");
    await once(stage.gateway, "exit");
    say(`ended ${((performance.now() - startMs) / 1_000).toFixed(1)} s after SIGTERM`);
    for (const socket of sockets) socket.destroy();
  } finally {
    await stage.stop();
  }
});

/** A query for 12,000 orders, each with its id under `aliases` long names. */
function largeQuery(aliases: number, client: number): string {
  const ids = Array.from({ length: aliases }, (_, at) => `${"n".repeat(28)}${at}: id`).join(" ");
  return `query Large${client} { cities { clients(first: 100) { edges { node { orders(first: 20) { edges { node { ${ids} } } } } } } } }`;
}

function open({ port }: Stage, text: string): Socket {
  const socket = connect(port, "127.0.0.1", () => void socket.write(text));
  // The gateway ends this connection sooner or later.
  return socket.on("error", () => undefined);
}

function head(length: number): string {
  return `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}

function halfSent(stage: Stage): Socket {
  return open(stage, `${head(1_000)}{`).resume();
}

function unread(stage: Stage, body: string): Socket {
  return open(stage, head(body.length) + body).pause();
}

function pipeline(stage: Stage): Socket {
  const body = JSON.stringify({ query: "{ cities { name } }" });
  const request = head(body.length) + body;
  return open(stage, request.repeat(PIPELINE_BYTES / request.length)).resume();
}

async function sizeOf({ port }: Stage, body: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${port}/graphql`, { method: "POST", headers, body });
  return (await answer.arrayBuffer()).byteLength;
}

async function watch(stage: Stage, sockets: readonly Socket[], durationMs: number) {
  const endMs = performance.now() + durationMs;
  let mostBytes = 0;
  let slowestMs = 0;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await fetch(`http://127.0.0.1:${stage.port}/health/live`).then((answer) => answer.arrayBuffer());
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    mostBytes = Math.max(mostBytes, memory(stage));
    await sleep(LOOK_MS);
  }
  return { mostBytes, slowestMs, open: sockets.filter(({ closed }) => !closed).length };
}

/** The gateway's resident memory (Linux). */
function memory({ gateway }: Stage): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))!;
  return Number(kilobytes) * 1_024;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
