/** Where the keys of clients' tokens come from: an endpoint or a file, read again while the gateway runs. */
import { StartupError } from "@teranga/kit/process/config.ts";
import { watchFile } from "@teranga/kit/process/file-watch.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type StartWait, startWorker } from "@teranga/kit/process/worker.ts";
import { JWKS_BYTES_MAX, KeyRing, type Keys } from "./key-ring.ts";

/** How often the endpoint is asked. So long a key may still be used that the issuer has taken away. */
export const RELOAD_MS = 60_000;
/** However many tokens name keys that are not known, the endpoint is asked once in this time. */
export const COOLDOWN_MS = 10_000;
const READ_MS = 5_000;

export interface KeySource {
  /** Undefined if none could be read, or not for too long. Other keys are another object. */
  readonly keys: Keys | undefined;
  /** Reads them again because a token names a key that is not known; not if they have just been read. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Reads what a URL shows. @throws if it cannot, within bounds of time and size */
export type ReadUrl = (url: string) => Promise<string>;

export interface KeySourceTerms {
  log: Logger;
  /** On a clock that never goes back. */
  nowMs: () => number;
  startWait?: StartWait | undefined;
  readUrl?: ReadUrl | undefined;
}

/** Resolves when the endpoint was asked once, whatever came of it: visitors need no keys. */
export async function openKeyEndpoint(
  url: string,
  { log, nowMs, startWait, readUrl = readKeyUrl }: KeySourceTerms,
): Promise<KeySource> {
  const ring = new KeyRing({ log, nowMs });
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const readOnce = async () => {
    readAtMs = nowMs();
    try {
      ring.take(await readUrl(url));
    } catch (error) {
      ring.miss(reasonOf(error));
    } finally {
      reading = undefined;
    }
  };
  const read = () => {
    reading ??= readOnce();
    return reading;
  };
  const first = read();
  const worker = startWorker({
    name: "keys of tokens",
    intervalMs: RELOAD_MS,
    log,
    startWait,
    step: async () => {
      await read();
      return false;
    },
  });
  await first;
  return {
    get keys() {
      return ring.keys;
    },
    refresh: async () => {
      if (reading || nowMs() - readAtMs >= COOLDOWN_MS) await read();
    },
    close: () => worker.stop(),
  };
}

/** @throws StartupError if the file cannot be used at the start. Later the keys of before are kept. */
export async function openKeyFile(
  file: string,
  { log, nowMs, pollMs }: Pick<KeySourceTerms, "log" | "nowMs"> & { pollMs?: number | undefined },
): Promise<KeySource> {
  const ring = new KeyRing({ log, nowMs });
  const { promise: first, resolve } = Promise.withResolvers<string | undefined>();
  const watch = watchFile({
    file,
    pollMs,
    log,
    async onContent(content) {
      if (content.kind === "text") return resolve(ring.take(content.text));
      ring.miss(content.code);
      resolve(`cannot be read (${content.code})`);
    },
  });
  const problem = await first;
  if (problem !== undefined) {
    await watch.stop();
    throw new StartupError(`JWKS_FILE: ${file}: ${problem}`);
  }
  return {
    get keys() {
      return ring.keys;
    },
    refresh: async () => {},
    close: () => watch.stop(),
  };
}

/** A redirect is refused: it could lead from https to http. */
const readKeyUrl: ReadUrl = async (url) => {
  const signal = AbortSignal.timeout(READ_MS);
  const { status, body } = await fetch(url, { redirect: "error", signal });
  if (status !== 200 || !body) {
    await body?.cancel();
    throw new Error(`it answers with status ${status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > JWKS_BYTES_MAX) throw new Error("it is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

/** The system's code (ECONNREFUSED) is in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : message;
}
