/**
 * Which operations are planned on the side thread: those of many fields, and those with a field that the
 * planner may reach in very many ways. To a field of an interface it tries each combination of the ways on
 * each type: an operation of 36 fields took 2 s with 12 types that have two ways each.
 */
import {
  BREAK,
  type GraphQLInterfaceType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import { argumentsOf, directivesOf, resolvesField, type Supergraph } from "../ground/supergraph.ts";

/** With fragments expanded. So many are planned within 50 ms. */
const NEAR_FIELDS_MAX = 150;
/** A field with 33 combinations is planned within 50 ms. */
const NEAR_COMBINATIONS_MAX = 32;

/** @returns whether an operation without fragment spreads is planned on the side thread */
export function largeOperations(supergraph: Supergraph): (operation: OperationDefinitionNode) => boolean {
  const ofManyWays = fieldsOfManyWays(supergraph);
  return (operation) => {
    let left = NEAR_FIELDS_MAX;
    visit(operation, {
      Field: ({ name }) => {
        left = ofManyWays.has(name.value) ? -1 : left - 1;
        return left < 0 ? BREAK : undefined;
      },
    });
    return left < 0;
  };
}

/** The names of fields of interfaces with more combinations of ways than are planned near. */
function fieldsOfManyWays({ schema, subgraphs }: Supergraph): ReadonlySet<string> {
  const names = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isInterfaceType(type)) continue;
    const possible = schema.getPossibleTypes(type);
    for (const field of Object.values(type.getFields())) {
      // A scalar that all subgraphs with the interface have is asked of the interface itself.
      if (!isCompositeType(getNamedType(field.type)) && isEverywhere(type, field.name)) continue;
      const waysOn = possible.map((each) => {
        const own = each.getFields()[field.name]!;
        return [...subgraphs.keys()].filter((graph) => resolvesField(graph, each, own)).length;
      });
      const combinations = waysOn.reduce((product, ways) => product * Math.max(1, ways), 1);
      if (combinations > NEAR_COMBINATIONS_MAX) names.add(field.name);
    }
  }
  return names;
}

function isEverywhere(type: GraphQLInterfaceType, fieldName: string): boolean {
  const field = type.getFields()[fieldName]!;
  return directivesOf(type, "join__type").every((join) =>
    resolvesField(String(argumentsOf(join).graph), type, field),
  );
}
