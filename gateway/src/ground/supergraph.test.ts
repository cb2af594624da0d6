/**
 * Goal: every directive of a supergraph is carried out, or refused at the start. Method: composed
 * supergraphs.
 */
import { compose } from "@teranga/schema/compose.ts";
import { expect, test } from "vitest";
import { readSupergraph } from "./supergraph.ts";

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@override"])`;

function supergraphOf(override: string): string {
  const sdl = (name: string, fields: string) => ({
    name,
    url: `http://${name}/graphql`,
    sdl: `${LINK} type Query { ${name}: Boat } type Boat @key(fields: "id") { id: ID! ${fields} }`,
  });
  return compose([sdl("old", "weight: Int"), sdl("new", `weight: Int ${override}`)]).supergraphSdl;
}

test("an override by label is refused, with its field and what to do", () => {
  const labelled = supergraphOf('@override(from: "old", label: "percent(30)")');
  expect(() => readSupergraph(labelled)).toThrow(
    'Supergraph: @override(label: "percent(30)") of Boat.weight is not supported: use @override without a label',
  );
  expect(readSupergraph(supergraphOf('@override(from: "old")')).subgraphs.size).toBe(2);
});
