/** The names that a schema gives to the directives that say who may ask. */
import type { RequirementNames } from "@teranga/kit/identity/requirement.ts";
import { type ConstDirectiveNode, type DocumentNode, Kind } from "graphql";
import { argumentsOf, linkedNames } from "../ground/supergraph.ts";

/** Where each is defined. A supergraph links these, a subgraph the federation specification. */
const SPECS = "https://specs.apollo.dev/";
const DIRECTIVES = ["authenticated", "requiresScopes", "policy"] as const;

/** @param schema of a supergraph or a subgraph; of a directive that it does not link, the name is empty */
export function requirementNames(schema: Parameters<typeof linkedNames>[0]): RequirementNames {
  const federation = linkedNames(schema, `${SPECS}federation/`, "federation");
  const names = DIRECTIVES.map((name) => {
    const own = linkedNames(schema, `${SPECS}${name}/`, name) ?? federation;
    return [name, own?.(name) ?? ""] as const;
  });
  return Object.fromEntries(names) as RequirementNames;
}

/**
 * A supergraph that says of these directives only that they are there. It says that they are for security,
 * and Apollo's planner and gateway refuse such a supergraph, because they would not enforce them. We do.
 */
export function withoutSecurity(document: DocumentNode): DocumentNode {
  const urls = DIRECTIVES.map((name) => `${SPECS}${name}/`);
  const isOurs = (node: ConstDirectiveNode) => {
    const { url } = argumentsOf(node);
    return node.name.value === "link" && urls.some((each) => String(url).startsWith(each));
  };
  let found = false;
  const plain = (directives: readonly ConstDirectiveNode[] = []) =>
    directives.map((node) => {
      if (!isOurs(node)) return node;
      found = true;
      return { ...node, arguments: node.arguments?.filter(({ name }) => name.value !== "for") };
    });
  const definitions = document.definitions.map((node) =>
    node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
      ? { ...node, directives: plain(node.directives) }
      : node,
  );
  return found ? ({ ...document, definitions } as DocumentNode) : document;
}
