/**
 * The floor: the least work that any gateway must do. It repeats the recorded requests of our gateway, in the
 * same waves and with the same bodies, parses the answers, and serialises an answer of the same bytes. It
 * plans, merges, checks and shapes nothing, because it knows everything beforehand. `SCRIPT` names the file
 * with the recording, `PORT` the port to listen on.
 */
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { Pool } from "undici";
import type { RecordedRequest } from "./subgraphs.ts";

/** By the operation's text. */
export type FloorScript = Record<string, { origin: string; waves: RecordedRequest[][]; answer: unknown }>;

const HEADERS = { "content-type": "application/json", accept: "application/json" };
const CONNECTIONS = 256;

if (process.env.SCRIPT) serve(JSON.parse(readFileSync(process.env.SCRIPT, "utf8")) as FloorScript);

function serve(script: FloorScript): void {
  const pools = new Map<string, Pool>();
  for (const { origin } of Object.values(script))
    if (!pools.has(origin)) pools.set(origin, new Pool(origin, { connections: CONNECTIONS, pipelining: 1 }));

  const fetchOne = async (pool: Pool, { path, body }: RecordedRequest): Promise<unknown> => {
    const answer = await pool.request({ path, method: "POST", headers: HEADERS, body });
    return JSON.parse(await answer.body.text());
  };
  const answer = async (body: string, response: ServerResponse) => {
    const { query } = JSON.parse(body) as { query: string };
    const known = script[query];
    if (!known) return void response.writeHead(400).end();
    const pool = pools.get(known.origin)!;
    for (const wave of known.waves) await Promise.all(wave.map((request) => fetchOne(pool, request)));
    const text = JSON.stringify(known.answer);
    response.writeHead(200, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(text),
    });
    response.end(text);
  };
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answer(Buffer.concat(chunks).toString(), response));
  }).listen(Number(process.env.PORT), "127.0.0.1");
}
