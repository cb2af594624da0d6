/** The scalars that every subgraph shares. Their SDL descriptions are in the subgraphs' schema files. */
import { type GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from "graphql";
import { z } from "zod";
import { codedError } from "./errors.ts";

/** An instant. Output is ISO 8601 in UTC with milliseconds; input may have any offset. */
export const DateTime = new GraphQLScalarType<Date, string>({
  name: "DateTime",
  serialize: (value) => (value instanceof Date ? value : new Date(value as string)).toISOString(),
  parseValue: (value) => parseDateTime(value),
  parseLiteral: (node: ValueNode) =>
    parseDateTime(node.kind === Kind.STRING ? node.value : undefined, `DateTime ${print(node)} `),
});

/** The years that ISO 8601 writes with four digits and PostgreSQL accepts. */
const YEAR_MIN = 1;
const YEAR_MAX = 9999;

function parseDateTime(value: unknown, said = ""): Date {
  const time = z.iso.datetime({ offset: true }).safeParse(value).success
    ? new Date(value as string)
    : undefined;
  const year = time?.getUTCFullYear() ?? Number.NaN;
  if (time && year >= YEAR_MIN && year <= YEAR_MAX) return time;
  throw badScalar(`${said}must be an ISO 8601 instant such as 2026-01-31T12:00:00Z`);
}

/** An amount of money in the currency's smallest unit. It may exceed Int: a big order passes 2^31 francs. */
export const Amount = new GraphQLScalarType<number, number>({
  name: "Amount",
  serialize: (value) => parseAmount(value),
  parseValue: (value) => parseAmount(value),
  parseLiteral: (node: ValueNode) =>
    parseAmount(node.kind === Kind.INT ? Number(node.value) : undefined, `Amount ${print(node)} `),
});

function parseAmount(value: unknown, said = ""): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw badScalar(`${said}must be a whole number between -(2^53 - 1) and 2^53 - 1`);
}

/** GraphQL puts a variable and its place before this message. Before that of a literal stands nothing. */
function badScalar(message: string): GraphQLError {
  return codedError("BAD_USER_INPUT", message);
}
