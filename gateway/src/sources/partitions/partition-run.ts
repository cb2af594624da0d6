/** One operation on a partitioned subgraph while it runs. */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import type { SubgraphRequest } from "@teranga/kit/http/transport.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import type { AnsweredPart, JsonObject, PartAnswer, ResponsePath } from "../../ground/answer.ts";
import type { AnswerBudget } from "../answer-budget.ts";
import type { PartitionSpec } from "./partition-spec.ts";

export interface PartitionRun {
  spec: PartitionSpec;
  /** What the partitions are told that it is called. */
  operationName: string | undefined;
  /** In the topology's order. */
  partitionIds: readonly string[];
  partitionOf: PartitionOf;
  /**
   * The operation's variables as they were given. Partitions know the defaults from its text, with all their
   * digits.
   */
  given: JsonObject;
  /** With the defaults filled in. */
  variables: JsonObject;
  /** What the crossings' tokens stand for in the paths of errors. */
  tokenNames: ReadonlyMap<string, string>;
  /** What the client's answer may still grow by. */
  budget: AnswerBudget;
  /** Asks one partition. Never throws for what happens there. */
  ask: (partition: string, request: SubgraphRequest, terms: AskTerms) => Promise<PartAnswer>;
}

export interface AskTerms {
  /** Whether the request may be sent again if it is unknown what became of it. */
  mayRepeat: boolean;
  /** Whether an answer has what was asked for. A partition that sends anything else has failed. */
  isWhole: (answer: AnsweredPart) => boolean;
}

export type Owner = { kind: "found"; partition: string } | { kind: "unknown"; error: GraphQLError };

/**
 * Who owns a routing value, as it stands in a request.
 * @param at its path, which names it in the error if there is none
 * @param form what a client types, or an entity's key, which names its owner
 */
export function ownerOf(
  run: PartitionRun,
  value: unknown,
  at: readonly string[],
  form: "name" | "id",
): Owner {
  if (typeof value !== "string" && typeof value !== "number") {
    return {
      kind: "unknown",
      error: badInput(at.join("."), `is missing; it says which ${run.spec.subgraph} is meant`),
    };
  }
  try {
    return { kind: "found", partition: run.partitionOf(String(value), form) };
  } catch (error) {
    if (error instanceof GraphQLError) return { kind: "unknown", error };
    throw error;
  }
}

/** An error's path as the client knows it: with the names that crossings' tokens stand for. */
export function clientPath({ path }: GraphQLFormattedError, run: PartitionRun): ResponsePath | undefined {
  return path?.map((step) => (typeof step === "string" ? (run.tokenNames.get(step) ?? step) : step));
}
