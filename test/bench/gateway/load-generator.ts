/** The load generator, a process of its own. IPC messages say what to send where, and when to measure. */
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import type { LoadMessage, LoadOrder, Stream, StreamReport } from "./load.ts";

const HEADERS = { "content-type": "application/json", accept: "application/json" };
/** Above a gateway's own deadline of 5 s. */
const ANSWER_TIMEOUT_MS = 15_000;

interface Run {
  ended: boolean;
  /**
   * One report for each stream while a measurement runs. A request counts if it begins and ends in the same
   * measurement.
   */
  reports: readonly StreamReport[] | undefined;
  streams: readonly Stream[];
  done: Promise<unknown>;
}

let run: Run | undefined;

process.on("message", (order: LoadOrder) => {
  switch (order.kind) {
    case "load": {
      const begun: Run = {
        ended: false,
        reports: undefined,
        streams: order.streams,
        done: Promise.resolve(),
      };
      begun.done = Promise.all(order.streams.map((stream, index) => load(order.url, stream, index, begun)));
      run = begun;
      return;
    }
    case "measure":
      return void measure(run!, order.forMs);
    case "end":
      run!.ended = true;
      return void run!.done.then(() => tell({ kind: "ended" }));
    default:
      return order satisfies never;
  }
});
process.on("disconnect", () => process.exit(0));

async function measure(run: Run, forMs: number): Promise<void> {
  const reports = run.streams.map(({ name }) => ({ name, latenciesMs: [], failures: {} }));
  run.reports = reports;
  const startMs = performance.now();
  await sleep(forMs);
  const measuredMs = performance.now() - startMs;
  run.reports = undefined;
  tell({ kind: "measured", measuredMs, streams: reports });
}

async function load(url: string, stream: Stream, index: number, run: Run): Promise<void> {
  const { origin, pathname } = new URL(url);
  const { connections, bodies, answerBytes, pauseMs } = stream;
  const timeouts = { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS };
  const pool = new Pool(origin, { connections, pipelining: 1, ...timeouts });
  let asked = 0;

  const connection = async () => {
    while (!run.ended) {
      const { reports } = run;
      const body = bodies[asked++ % bodies.length]!;
      const sentMs = performance.now();
      const failure = await ask(pool, pathname, body, answerBytes);
      const answeredMs = performance.now();
      if (reports && reports === run.reports) {
        const report = reports[index]!;
        if (failure === undefined) report.latenciesMs.push(answeredMs - sentMs);
        else report.failures[failure] = (report.failures[failure] ?? 0) + 1;
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  await pool.destroy();
}

/** Reads the whole answer and checks only its length: parsing would cost more than the request. */
async function ask(
  pool: Pool,
  path: string,
  body: string,
  answerBytes: number | null,
): Promise<string | undefined> {
  try {
    const answer = await pool.request({ path, method: "POST", headers: HEADERS, body });
    const { byteLength } = await answer.body.arrayBuffer();
    if (answer.statusCode !== 200) return `HTTP ${answer.statusCode}`;
    return answerBytes === null || byteLength === answerBytes ? undefined : `${byteLength} bytes`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).name;
  }
}

function tell(message: LoadMessage): void {
  process.send!(message);
}
