/**
 * Keeps the last composed supergraph in a file. A gateway starts with it while no service answers. The first
 * line has the time, the topology's hash and the text's hash, so that a file that was truncated or edited is
 * not used.
 */
import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";

/** The file names all fields, with hidden ones. */
const FILE_MODE = 0o600;
const FIRST_LINE =
  /^# A supergraph of Teranga, composed (?<at>\S+) of topology (?<topology>[0-9a-f]{12}), SHA-256 (?<hash>[0-9a-f]{64})\n/;

export interface LastSupergraph {
  supergraphSdl: string;
  /** When it was composed, ISO 8601. */
  composedAt: string;
}

/**
 * Replaces the file atomically: a reader finds the old text or the new one. A failure is logged, and the
 * graph does not depend on it.
 */
export async function writeLastSupergraph(
  file: string,
  { supergraphSdl, topology, composedAt }: { supergraphSdl: string; topology: Topology; composedAt: Date },
  log: Logger,
): Promise<void> {
  const made = `composed ${composedAt.toISOString()} of topology ${topologyHash(topology)}`;
  const text = `# A supergraph of Teranga, ${made}, SHA-256 ${sha256(supergraphSdl)}\n${supergraphSdl}`;
  const draft = `${file}.${process.pid}`;
  try {
    const handle = await open(draft, "w", FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    log.warn(
      { file, code: (error as NodeJS.ErrnoException).code },
      "the supergraph could not be kept in a file",
    );
  }
}

/** Undefined if there is no file, or if it is damaged, which is logged. */
export async function readLastSupergraph(file: string, log: Logger): Promise<LastSupergraph | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") log.warn({ file, code }, "the last supergraph cannot be read");
    return undefined;
  }
  const found = FIRST_LINE.exec(text);
  const supergraphSdl = text.slice(found?.[0].length ?? 0);
  const { hash, at } = found?.groups ?? {};
  if (at === undefined || hash !== sha256(supergraphSdl)) {
    log.warn({ file }, "the last supergraph is damaged; the file is ignored");
    return undefined;
  }
  return { supergraphSdl, composedAt: at };
}

/** Tells topologies apart, for people who compare files. */
function topologyHash({ placements }: Topology): string {
  return sha256(JSON.stringify([...placements])).slice(0, 12);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
