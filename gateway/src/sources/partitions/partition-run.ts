/** The state of one operation on a partitioned subgraph while it runs. */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import type { SubgraphRequest } from "@teranga/kit/http/transport.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import type { JsonObject, PartAnswer, ResponsePath } from "../../ground/answer.ts";
import type { AnswerBudget } from "../answer-budget.ts";
import type { PlaceTerms } from "../ask-terms.ts";
import type { PartitionSpec } from "./partition-spec.ts";

/** Whether it is protected is known of the fetch as a whole. */
export type PartTerms = Omit<PlaceTerms, "isProtected">;

export interface PartitionRun {
  spec: PartitionSpec;
  /** The operation name that the partitions are told. */
  operationName: string | undefined;
  /** In the topology's order. */
  partitionIds: readonly string[];
  partitionOf: PartitionOf;
  /**
   * The operation's variables as they were given. Partitions read the defaults from the operation's text,
   * which keeps all their digits.
   */
  given: JsonObject;
  /** The variables with defaults filled in. */
  variables: JsonObject;
  /** The response names that the crossings' tokens stand for in the paths of errors. */
  tokenNames: ReadonlyMap<string, string>;
  /** How much the client's answer may still grow. */
  budget: AnswerBudget;
  /** Asks one partition. Never throws for what happens there. */
  ask: (partition: string, request: SubgraphRequest, terms: PartTerms) => Promise<PartAnswer>;
}

export type Owner = { kind: "found"; partition: string } | { kind: "unknown"; error: GraphQLError };

/**
 * The owner of a routing value in a request.
 * @param at the path of the value, for the error if it has no owner
 * @param form `name`: what a client typed. `id`: an entity's key, which names its owner
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

/** An error's path as the client knows it, with response names in place of tokens. */
export function pathWithoutTokens(
  { path }: GraphQLFormattedError,
  run: PartitionRun,
): ResponsePath | undefined {
  return path?.map((step) => (typeof step === "string" ? (run.tokenNames.get(step) ?? step) : step));
}
