/**
 * Mistakes that a commit protocol can have, each a change of our source. The simulation has to find every
 * one.
 */

import type { PlantedBug } from "../harness/planted-bug.ts";
import { IN_HOME } from "./planted/home.ts";
import { IN_MONEY } from "./planted/money.ts";
import { IN_ORCHESTRATOR } from "./planted/orchestrator.ts";
import { IN_PARTICIPANT } from "./planted/participant.ts";
import { IN_RECOVERY } from "./planted/recovery.ts";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...IN_PARTICIPANT,
  ...IN_HOME,
  ...IN_MONEY,
  ...IN_RECOVERY,
  ...IN_ORCHESTRATOR,
];
