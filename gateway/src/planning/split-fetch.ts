/**
 * Splits a fetch whose fields need the same field with different arguments, e.g. a price in two currencies. A
 * representation has room for one of the two values, so one fetch of the planner becomes several parallel
 * ones.
 */
import type { FetchNode, QueryPlanSelectionNode } from "@apollo/query-planner";
import {
  doTypesOverlap,
  type GraphQLNamedType,
  getNamedType,
  isCompositeType,
  Kind,
  type OperationDefinitionNode,
} from "graphql";
import { type EntityField, entityFields, entityOperation, partOf } from "../execution/entity-operation.ts";
import { mayHaveNamesApart } from "../ground/names-apart.ts";
import { fieldOf, type Need, type NeedStep, type StandIns, whoNeeds } from "../ground/stand-ins.ts";

/** Fields whose needs fit into one representation. */
interface Group {
  needs: Need[];
  /** The fields, by type and name. */
  fields: Set<string>;
}

/**
 * The fetches that together replace one. If all its needs fit into one representation, that is the fetch
 * itself.
 */
export function splitByNeeds(node: FetchNode, standIns: StandIns): FetchNode[] {
  if (!node.requires || !mayHaveNamesApart(JSON.stringify(node.requires))) return [node];
  const operation = entityOperation(node.operation);
  const groups = groupsOf(operation, node.serviceName, standIns);
  if (groups.length < 2) return [node];
  return groups.map((group, index) => {
    const others = groups.filter((other) => other !== group);
    // Fields without needs go into the first group.
    const isAsked = (field: EntityField) =>
      group.fields.has(nameOf(field)) ||
      (index === 0 && !others.some(({ fields }) => fields.has(nameOf(field))));
    const isLeftOut = (steps: Need) =>
      !hasNeed(group, steps, standIns) && others.some((other) => hasNeed(other, steps, standIns));
    return {
      ...node,
      ...partOf(operation, isAsked),
      requires: withoutNeeds(node.requires!, [], undefined, { standIns, isLeftOut }),
    };
  });
}

/** Puts each field into the first group into which it fits. */
function groupsOf({ selectionSet }: OperationDefinitionNode, subgraph: string, standIns: StandIns): Group[] {
  const groups: Group[] = [];
  for (const asked of entityFields(selectionSet)) {
    const needs = standIns.needs.get(whoNeeds(subgraph, asked.type, asked.field));
    if (!needs) continue;
    let group = groups.find((candidate) => fits(candidate.needs, needs, standIns));
    if (!group) {
      group = { needs: [], fields: new Set() };
      groups.push(group);
    }
    group.needs.push(...needs);
    group.fields.add(nameOf(asked));
  }
  return groups;
}

/**
 * Whether the needs can go into one fetch with the known ones. They cannot if two of them ask for one field
 * of one object with different arguments.
 */
const fits = (known: readonly Need[], needs: readonly Need[], standIns: StandIns): boolean =>
  needs.every((need) =>
    known.every(
      (other) =>
        other.at(-1)!.planned === need.at(-1)!.planned ||
        !areSame(other, need, standIns, (a, b) => a.field === b.field),
    ),
  );

const hasNeed = ({ needs }: Group, steps: Need, standIns: StandIns): boolean =>
  needs.some((need) => areSame(need, steps, standIns, (a, b) => a.planned === b.planned));

function areSame(
  one: Need,
  other: Need,
  { schema }: StandIns,
  isSame: (a: NeedStep, b: NeedStep) => boolean,
): boolean {
  if (one.length !== other.length) return false;
  return one.every((step, index) => {
    const beside = other[index]!;
    if (!isSame(step, beside)) return false;
    const { type } = beside;
    return isCompositeType(step.type) && isCompositeType(type) && doTypesOverlap(schema, step.type, type);
  });
}

const nameOf = ({ type, field }: EntityField): string => `${type}.${field}`;

/** @param above the steps that lead to the selections. @param type their parent type, if it is known */
function withoutNeeds(
  selections: readonly QueryPlanSelectionNode[],
  above: Need,
  type: GraphQLNamedType | undefined,
  terms: { standIns: StandIns; isLeftOut: (steps: Need) => boolean },
): QueryPlanSelectionNode[] {
  const { schema, fields } = terms.standIns;
  return selections.flatMap((selection): QueryPlanSelectionNode[] => {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const inner = selection.typeCondition === undefined ? type : schema.getType(selection.typeCondition);
      return [{ ...selection, selections: withoutNeeds(selection.selections, above, inner, terms) }];
    }
    const planned = selection.name;
    const field = fields.get(planned)?.name.value ?? planned;
    const definition = type && fieldOf(type, field);
    if (!definition) return [selection];
    const steps = [...above, { type: type!, field, planned }];
    if (terms.isLeftOut(steps)) return [];
    if (!selection.selections) return [selection];
    const inner = withoutNeeds(selection.selections, steps, getNamedType(definition.type), terms);
    return [{ ...selection, selections: inner }];
  });
}
