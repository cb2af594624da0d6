/** The answer to `GET /changes`, between a service and the gateways (docs/reads.md). */
import { z } from "zod";

export const CHANGES_PATH = "/changes";

export const changesAnswer = z.object({
  epoch: z.string(),
  /** The number of the last change of the epoch. */
  number: z.number().int(),
  /** True if the caller has missed some: everything may have changed. */
  isGap: z.boolean(),
  /** The position of the last change, or of the epoch's beginning. */
  position: z.string(),
  /** All changes that were visible when this position was told have numbers up to this one. */
  confirmed: z.string(),
  /** How old that is. */
  ageMs: z.number().nonnegative(),
  /** How long the request was held. */
  waitedMs: z.number().nonnegative(),
  /** Type, key (null: any of the type), position. None in a gap. */
  changes: z.array(z.tuple([z.string(), z.string().nullable(), z.string()])),
});

export type ChangesAnswer = z.infer<typeof changesAnswer>;
