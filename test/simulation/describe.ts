/** Messages in a few words, for the history. */
import type { SubgraphRequest, SubgraphResponse } from "@teranga/kit/http/transport.ts";

/** The operation and its variables, with ids that can be told apart at a glance. */
export function describeRequest({ query, operationName, variables }: SubgraphRequest): string {
  return `${operationName ?? nameOf(query)} ${short(variables)}`;
}

/** Of an operation's text. */
export function nameOf(query: string): string {
  return /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? "?";
}

export function describeAnswer({ data, errors }: SubgraphResponse): string {
  return errors ? `errors ${short(errors.map(({ message }) => message))}` : short(data);
}

/** JSON without the quotes, and UUIDs without the part that is the time. */
export function short(value: unknown): string {
  return (JSON.stringify(value) ?? "")
    .replaceAll('"', "")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{6}([0-9a-f]{6})/g, "…$1");
}
