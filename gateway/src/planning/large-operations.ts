/**
 * Which operations are planned on the side thread: those of many fields, where a field that the planner may
 * reach in many ways counts more. To a field of an interface it tries each combination of the ways on each
 * type: an operation of 36 fields took 2 s with 12 types that have two ways each.
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
/** 70 fields with 4 combinations each took 0.9 s, and with 32 each 4.5 s. */
const FIELDS_A_COMBINATION = 5;

/** @returns whether an operation without fragment spreads is planned on the side thread */
export function largeOperations(supergraph: Supergraph): (operation: OperationDefinitionNode) => boolean {
  const combinations = combinationsOf(supergraph);
  return (operation) => {
    let left = NEAR_FIELDS_MAX;
    visit(operation, {
      Field: ({ name }) => {
        left -= FIELDS_A_COMBINATION * (combinations.get(name.value) ?? 0) || 1;
        return left < 0 ? BREAK : undefined;
      },
    });
    return left < 0;
  };
}

/** The combinations of ways to the fields of interfaces that have several, by the field's name. */
function combinationsOf({ schema, subgraphs }: Supergraph): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
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
      if (combinations > (found.get(field.name) ?? 1)) found.set(field.name, combinations);
    }
  }
  return found;
}

function isEverywhere(type: GraphQLInterfaceType, fieldName: string): boolean {
  const field = type.getFields()[fieldName]!;
  return directivesOf(type, "join__type").every((join) =>
    resolvesField(String(argumentsOf(join).graph), type, field),
  );
}
