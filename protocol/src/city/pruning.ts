/**
 * Prunes what is over and was for nothing: transactions that were ABORTED, once they are behind the horizon. Whoever may call this service
 * makes such rows at will, a row or two a refused order. What was committed stays, and so do stock movements and the ledger.
 *
 * That a pruned transaction can never be taken for a new one is the database's matter (functions/6-rules.sql): time decides only when
 * the horizon moves.
 */
import { type StartWait, startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import type { CityMeans } from "./means.ts";
import { moveHorizon } from "./sql/move-horizon.ts";
import { PRUNE_BATCH, pruneDecisions, pruneParticipations } from "./sql/prune-aborted.ts";

export interface PruningOptions {
  city: PruningMeans;
  /** How far the horizon is behind; far longer than any message is under way. */
  keptMs: number;
  intervalMs?: number;
  /** How the worker waits between two looks; in real time by default. */
  startWait?: StartWait | undefined;
}

/** What pruning needs of the city. */
export type PruningMeans = Pick<CityMeans, "sql" | "clock" | "log" | "metrics">;

/** A look that finds nothing costs a few index probes. */
const INTERVAL_MS = 60_000;

export function startPruning({ city, keptMs, intervalMs = INTERVAL_MS, startWait }: PruningOptions): Worker {
  const step = () => prune(city, keptMs);
  return startWorker({ name: "prune aborted transactions", intervalMs, step, log: city.log, startWait });
}

/** A step: moves the horizon and prunes a batch. Returns whether there may be more. */
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
