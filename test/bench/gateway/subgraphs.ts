/**
 * All subgraphs of the market in one process. It ends when its parent has gone.
 *
 * It can also record, in waves, the requests that a gateway sends for one client's request. While it records,
 * it answers only after no new request has come for WAVE_MS. So requests that do not depend on each other's
 * answers are in one wave.
 */
import { startAnswerServer } from "./answer-server.ts";
import { SUBGRAPHS, schemaOf } from "./market.ts";

/** One request of a gateway to a subgraph. */
export interface RecordedRequest {
  path: string;
  body: string;
}

export type SubgraphsOrder = { kind: "record" } | { kind: "recorded" };
export type SubgraphsAnswer =
  | { kind: "listening"; port: number }
  | { kind: "waves"; waves: RecordedRequest[][] };

/** Far longer than a gateway takes to send all requests that it can send. */
const WAVE_MS = 100;

let recording: { waves: RecordedRequest[][]; waiting: (() => void)[]; timer?: NodeJS.Timeout } | undefined;

const schemas = new Map(
  Object.entries(SUBGRAPHS).map(([name, subgraph]) => [`/${name}`, schemaOf(subgraph)]),
);
const { port } = await startAnswerServer({
  at: (path) => (schemas.has(path) ? { schema: schemas.get(path)! } : undefined),
  before: (path, body) => recording && joinWave(recording, { path, body }),
});
tell({ kind: "listening", port });

function joinWave(run: NonNullable<typeof recording>, request: RecordedRequest): Promise<void> {
  if (run.waiting.length === 0) run.waves.push([]);
  run.waves.at(-1)!.push(request);
  clearTimeout(run.timer);
  run.timer = setTimeout(() => {
    for (const go of run.waiting.splice(0)) go();
  }, WAVE_MS);
  return new Promise((resolve) => run.waiting.push(resolve));
}

function tell(message: SubgraphsAnswer): void {
  process.send!(message);
}

process.on("message", (order: SubgraphsOrder) => {
  if (order.kind === "record") recording = { waves: [], waiting: [] };
  else if (recording) {
    tell({ kind: "waves", waves: recording.waves });
    recording = undefined;
  }
});
process.on("disconnect", () => process.exit(0));
