/**
 * Prunes ABORTED transactions once they are behind the horizon. Any caller of this service can make
 * such rows at will: each refused order leaves one or two. COMMITTED transactions stay, and so do
 * stock movements and the ledger.
 *
 * The database itself makes sure that a pruned transaction can never be taken for a new one
 * (functions/8-rules.sql). The clock only decides when the horizon moves.
 */
import { type StartWait, startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import type { CityMeans } from "./means.ts";
import { moveHorizon } from "./sql/move-horizon.ts";
import { PRUNE_BATCH, pruneDecisions, pruneParticipations } from "./sql/prune-aborted.ts";

export interface PruningOptions {
  city: PruningMeans;
  /** How far the horizon is behind the present, in milliseconds. Far longer than any message is under way. */
  keptMs: number;
  intervalMs?: number;
  /** How the worker waits between two steps; in real time by default. */
  startWait?: StartWait | undefined;
}

/** The part of the city that pruning uses. */
export type PruningMeans = Pick<CityMeans, "sql" | "clock" | "log" | "metrics">;

/** A step that finds nothing costs a few index probes. */
const INTERVAL_MS = 60_000;

export function startPruning({ city, keptMs, intervalMs = INTERVAL_MS, startWait }: PruningOptions): Worker {
  const step = () => prune(city, keptMs);
  return startWorker({ name: "prune aborted transactions", intervalMs, step, log: city.log, startWait });
}

/** One step: moves the horizon and prunes a batch. Returns whether there may be more to prune. */
export async function prune({ sql, clock, log, metrics }: PruningMeans, keptMs: number): Promise<boolean> {
  await moveHorizon(sql, keptMs, clock);
  const decisions = await pruneDecisions(sql);
  const participations = await pruneParticipations(sql);
  if (decisions + participations === 0) return false;
  metrics.pruned("transaction_decision", decisions);
  metrics.pruned("participation", participations);
  log.info({ decisions, participations }, "pruned aborted transactions");
  return Math.max(decisions, participations) === PRUNE_BATCH;
}
