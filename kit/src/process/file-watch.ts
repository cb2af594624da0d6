/**
 * Watches a file that may change while the program runs, so that configuration
 * is taken over without a restart.
 *
 * The directory is watched instead of the file, because editors and Kubernetes' config maps replace a file by
 * a rename, which ends a watch of the file itself. A slow poll backs this up: network file systems report
 * nothing, and watches are a limited resource. A change counts when two reads a moment apart agree, so that a
 * file is not read while it is half written.
 */
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "./log.ts";
import { startWorker } from "./worker.ts";

/** The content of a file, or why it cannot be read (`ENOENT`). */
export type FileContent = { kind: "text"; text: string } | { kind: "unreadable"; code: string };

export interface FileWatchOptions {
  file: string;
  /**
   * Called with the first content, and again with each change, one call at a time. If it rejects or returns
   * "again", it is called with the same content after the next poll.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most callers have nothing to say
  onContent: (content: FileContent) => Promise<void | "again">;
  /** The longest time until an unreported change is noticed, in milliseconds. */
  pollMs?: number | undefined;
  log: Logger;
}

export interface FileWatch {
  /** Ends the watch; resolves when no call is running. */
  stop(): Promise<void>;
}

export const FILE_POLL_MS = 5_000;
/** Writing a file of some kilobytes takes well below a millisecond. */
const SETTLE_MS = 20;
/**
 * A file that changes for longer than half a second is read as it is. The next change corrects a bad read.
 */
const READS_MAX = 25;

export function watchFile({ file, onContent, pollMs = FILE_POLL_MS, log }: FileWatchOptions): FileWatch {
  let known: FileContent | undefined;
  const worker = startWorker({
    name: `watch of ${basename(file)}`,
    intervalMs: pollMs,
    log,
    step: async () => {
      const content = await settledContent(file, known);
      if (known && sameContent(content, known)) return false;
      if ((await onContent(content)) !== "again") known = content;
      return false;
    },
  });
  const watcher = watchDirectory(file, () => worker.wake(), log);
  return {
    async stop() {
      watcher?.close();
      await worker.stop();
    },
  };
}

/** Undefined if the directory cannot be watched. Then only the poll notices changes. */
function watchDirectory(file: string, onEvent: () => void, log: Logger): FSWatcher | undefined {
  const pollsOnly = (error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    log.warn({ file, code }, "the file's directory cannot be watched; the file is read from time to time");
  };
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      // A config map swaps the link `..data` in the file's directory. The file's own entry does not change.
      if (name === null || name === basename(file) || name.startsWith("..")) onEvent();
    });
    watcher.on("error", (error) => {
      watcher.close();
      pollsOnly(error);
    });
    return watcher;
  } catch (error) {
    pollsOnly(error);
    return undefined;
  }
}

/** @param known content that needs no second look */
async function settledContent(file: string, known: FileContent | undefined): Promise<FileContent> {
  let last = await readContent(file);
  if (known && sameContent(last, known)) return last;
  for (let reads = 1; reads < READS_MAX; reads++) {
    await sleep(SETTLE_MS);
    const next = await readContent(file);
    if (sameContent(next, last)) return next;
    last = next;
  }
  return last;
}

async function readContent(file: string): Promise<FileContent> {
  try {
    return { kind: "text", text: await readFile(file, "utf8") };
  } catch (error) {
    return { kind: "unreadable", code: (error as NodeJS.ErrnoException).code ?? "unknown" };
  }
}

function sameContent(one: FileContent, other: FileContent): boolean {
  if (one.kind === "text") return other.kind === "text" && one.text === other.text;
  return other.kind === "unreadable" && one.code === other.code;
}
