import { readFileSync } from "node:fs";

/** Reads a subgraph's SDL. */
export function readSchema(name: "catalog" | "city" | "orders"): string {
  return readFileSync(new URL(`../${name}.graphql`, import.meta.url), "utf8");
}
