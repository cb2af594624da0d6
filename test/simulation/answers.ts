/** An answer as a client sees it. */
import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import { Violation } from "./violation.ts";

export type Answer =
  /** The result of the operation. */
  | { kind: "result"; type: string; result: Result }
  /** A coded error. */
  | { kind: "error"; code: string }
  /** None came. `isRefused`: because nobody has heard the question. */
  | { kind: "none"; isRefused: boolean };

/** The fields of all results; each type has some of them. */
export interface Result {
  __typename?: string;
  order?: { id: string } | null;
  transaction?: { id: string } | null;
  transactionId?: string;
  quantity?: number;
  expectedTotal?: number;
  total?: number;
  splits?: number;
  maxSplits?: number;
  entry?: { amount: number };
  balance?: number | null;
  wallet?: { balance: number };
  status?: string;
}

/** No client may ever meet these: the first is a fault of ours, the second a broken protocol. */
const NEVER = new Set(["INTERNAL_SERVER_ERROR", "PROTOCOL_VIOLATION", "WRONG_CITY"]);

/** The gateway waits so long for a service. */
const DEADLINE_MS = 5_000;

/** Asks as the gateway does for a client. @throws Violation if the answer is one that no client may see */
export async function ask(
  send: Send,
  url: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer> {
  try {
    const { data, errors } = await send(url, { query, variables }, { deadlineMs: DEADLINE_MS });
    if (errors) {
      const code = String(errors[0]?.extensions?.code);
      if (NEVER.has(code)) throw new Violation(`a client was answered ${code}`);
      return { kind: "error", code };
    }
    const result = (data as { result: Result | null }).result;
    return { kind: "result", type: result?.__typename ?? "", result: result ?? {} };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { kind: "none", isRefused: error.effect === "refused" };
  }
}

/** Whether the caller has not learnt what came of it. */
export function isUnknown(answer: Answer): boolean {
  return answer.kind === "none" || (answer.kind === "result" && answer.type === "OutcomeUnknown");
}

/** Whether no answer came, or one that says that something was away. */
export function isUnavailable(answer: Answer): boolean {
  return isUnknown(answer) || (answer.kind === "error" && answer.code !== "BAD_USER_INPUT");
}
