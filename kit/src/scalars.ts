/** The scalars that every subgraph shares. Their SDL descriptions are in the subgraphs' schema files. */
import { GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { badInput } from "./errors.ts";

/** An instant: ISO 8601 in UTC with milliseconds on the way out, any offset on the way in. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  serialize: (value) => (value instanceof Date ? value : new Date(value as string)).toISOString(),
  parseValue: parseDateTime,
  parseLiteral: (node: ValueNode) => parseDateTime(node.kind === Kind.STRING ? node.value : undefined),
});

function parseDateTime(value: unknown): Date {
  const isIso =
    typeof value === "string" &&
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(value);
  const time = isIso ? new Date(value) : undefined;
  if (!time || Number.isNaN(time.getTime()))
    throw badInput("DateTime", "must be an ISO 8601 instant such as 2026-01-31T12:00:00Z");
  return time;
}

/** An amount of money in the currency's smallest unit. Larger than Int: a big order passes 2^31 francs. */
export const Amount = new GraphQLScalarType<number, number>({
  name: "Amount",
  serialize: parseAmount,
  parseValue: parseAmount,
  parseLiteral: (node: ValueNode) => parseAmount(node.kind === Kind.INT ? Number(node.value) : undefined),
});

function parseAmount(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw badInput("Amount", "must be a whole number between -(2^53 - 1) and 2^53 - 1");
}
