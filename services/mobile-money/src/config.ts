/** The configuration of the simulated company. */
import {
  countVariable,
  logLevelVariable,
  portVariable,
  secretVariable,
} from "@teranga/kit/process/config.ts";
import { z } from "zod";

export const mobileMoneyVariables = z.object({
  PORT: portVariable.describe("The port to listen on, on this machine only; 0 takes a free one."),
  PAYMENT_PROVIDER_SECRET: secretVariable.describe("The secret that the shop signs its messages with."),
  JOURNAL: z
    .string()
    .describe("The path of the file that keeps accounts and payments; made if it is missing."),
  OPENING_BALANCE: countVariable({ least: 0, usual: 2_000_000 }).describe(
    "What each subscriber has at first, in XOF.",
  ),
  LOG_LEVEL: logLevelVariable.describe(
    "The least severe level that is logged: `fatal` to `trace`, or `silent`.",
  ),
});
