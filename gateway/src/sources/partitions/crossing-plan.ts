/**
 * Crossings, the planning side. The query planner assumes that a subgraph resolves all of its fields in one
 * place, but a field with @crosses may lead to a row of another partition. So its selection is cut down to
 * the key and gets an alias of its own (a token). The original selection is kept as a follow-up, which
 * fetches it by that key from the owner. A token in an answer proves that the field was really selected: the
 * service has applied type conditions, @skip and @include.
 */
import {
  type FieldNode,
  type GraphQLNamedType,
  getNamedType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import {
  printCompact,
  printVariableDefinitions,
  usedVariables,
  type VariableDefinitions,
} from "../../ground/documents.ts";
import { planBytes } from "../../ground/kept-bytes.ts";
import { type ObjectShape, objectShape } from "../answer-shape.ts";
import { isCrossing, type PartitionSpec } from "./partition-spec.ts";

/** The operation's directives for services. */
export interface SaidDirectives {
  text: string;
  /** The variables that `text` uses. */
  variables: ReadonlySet<string>;
}

/** Asks a partition for entities by their keys. */
export interface EntityPlan {
  kind: "entities";
  text: string;
  /** The variables of `text`, without `representations`. */
  variables: ReadonlySet<string>;
  /** The shape of each entity. */
  shape: ObjectShape;
  /** The crossings below each entity. */
  crossings: CrossingTree;
}

/** A field whose selection was cut: its name in the client's answer, and the request to the owner. */
export interface Crossing {
  responseName: string;
  followUp: EntityPlan;
}

/** Where tokens may stand in an answer, by response names. */
export interface CrossingTree {
  /** By token. */
  here: Map<string, Crossing>;
  /** By response name. */
  below: Map<string, CrossingTree>;
}

const TYPENAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: "__typename" } };

/** The bytes that are kept for everything below a tree, approximately. */
export function crossingsWeight({ here, below }: CrossingTree): number {
  let weight = 0;
  for (const { followUp } of here.values())
    weight += planBytes(followUp.text) + crossingsWeight(followUp.crossings);
  for (const tree of below.values()) weight += crossingsWeight(tree);
  return weight;
}

export const isEmptyTree = (tree: CrossingTree) => tree.here.size === 0 && tree.below.size === 0;

/** `text` is the whole operation: no token may occur in it. */
export interface CrossingTerms {
  variables: VariableDefinitions;
  /** The operation's own directives. */
  directives: SaidDirectives;
  text: string;
}

/** Cuts the crossings out of one operation and its follow-ups. */
export class CrossingPlanner {
  /** The response name of the field that each token stands for in a path. */
  readonly names = new Map<string, string>();
  readonly #spec: PartitionSpec;
  readonly #variables: VariableDefinitions;
  readonly #directives: SaidDirectives;
  readonly #prefix: string;

  constructor(spec: PartitionSpec, { variables, directives, text }: CrossingTerms) {
    this.#spec = spec;
    this.#variables = variables;
    this.#directives = directives;
    let prefix = "crossing_";
    while (text.includes(prefix)) prefix = `_${prefix}`;
    this.#prefix = prefix;
  }

  /** Plans a fetch by key. `selectionSet` is the selection of `_entities`. */
  planEntities(selectionSet: SelectionSetNode): EntityPlan {
    const { cut, tree } = this.cut(selectionSet, undefined);
    const variables = new Set([...usedVariables(cut), ...this.#directives.variables]);
    const definitions = printVariableDefinitions(this.#variables, variables);
    const all = `($representations:[_Any!]!${definitions.slice(1, -1)})`;
    return {
      kind: "entities",
      text: `query ${all}${this.#directives.text}{_entities(representations:$representations)${printCompact(cut)}}`,
      variables,
      shape: objectShape(cut, undefined, this.#spec.schema),
      crossings: tree,
    };
  }

  /**
   * Cuts all crossings below a selection set.
   * @param parent its type; undefined if only type conditions tell it
   */
  cut(
    selectionSet: SelectionSetNode,
    parent: GraphQLNamedType | undefined,
  ): { cut: SelectionSetNode; tree: CrossingTree } {
    const tree: CrossingTree = { here: new Map(), below: new Map() };
    return { cut: this.#cutInto(selectionSet, parent, tree), tree };
  }

  #cutInto(
    selectionSet: SelectionSetNode,
    parent: GraphQLNamedType | undefined,
    tree: CrossingTree,
  ): SelectionSetNode {
    const selections = selectionSet.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) throw new Error("fragments are inlined before planning");
      if (selection.kind === Kind.FIELD) {
        return selection.selectionSet ? this.#cutField(selection, parent, tree) : selection;
      }
      const condition = selection.typeCondition?.name.value;
      const type = condition === undefined ? parent : this.#spec.schema.getType(condition);
      return { ...selection, selectionSet: this.#cutInto(selection.selectionSet, type, tree) };
    });
    return { ...selectionSet, selections };
  }

  #cutField(field: FieldNode, parent: GraphQLNamedType | undefined, tree: CrossingTree): FieldNode {
    const definition = parent && "getFields" in parent ? parent.getFields()[field.name.value] : undefined;
    const type = definition && getNamedType(definition.type);
    const entity = type && this.#spec.entities.get(type.name);
    if (entity && isCrossing(this.#spec, parent!, field.name.value)) {
      if (isWithin(field.selectionSet!, entity.key)) return field;
      return this.#replace(field, type.name, entity.key, tree);
    }
    const responseName = field.alias?.value ?? field.name.value;
    const below = tree.below.get(responseName) ?? { here: new Map(), below: new Map() };
    const selectionSet = this.#cutInto(field.selectionSet!, type as GraphQLNamedType | undefined, below);
    if (!isEmptyTree(below)) tree.below.set(responseName, below);
    return { ...field, selectionSet };
  }

  #replace(field: FieldNode, typeName: string, key: SelectionSetNode, tree: CrossingTree): FieldNode {
    const responseName = field.alias?.value ?? field.name.value;
    const token = `${this.#prefix}${this.names.size}`;
    this.names.set(token, responseName);
    const followUp = this.planEntities(onType(typeName, field.selectionSet!));
    tree.here.set(token, { responseName, followUp });
    return {
      ...field,
      alias: { kind: Kind.NAME, value: token },
      selectionSet: { kind: Kind.SELECTION_SET, selections: [TYPENAME, ...key.selections] },
    };
  }
}

/** `{ ... on Type { … } }` */
function onType(typeName: string, selectionSet: SelectionSetNode): SelectionSetNode {
  const name = { kind: Kind.NAME, value: typeName } as const;
  const typeCondition = { kind: Kind.NAMED_TYPE, name } as const;
  return {
    kind: Kind.SELECTION_SET,
    selections: [{ kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet }],
  };
}

/** Whether the key, which the partition at hand knows, covers everything that is selected. */
function isWithin(asked: SelectionSetNode, key: SelectionSetNode): boolean {
  return asked.selections.every((selection) => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return isWithin(selection.selectionSet, key);
    if (selection.kind !== Kind.FIELD) return false;
    if (selection.name.value === TYPENAME.name.value) return true;
    const known = key.selections.find(
      (candidate) => candidate.kind === Kind.FIELD && candidate.name.value === selection.name.value,
    );
    if (known?.kind !== Kind.FIELD) return false;
    if (!selection.selectionSet) return true;
    return known.selectionSet !== undefined && isWithin(selection.selectionSet, known.selectionSet);
  });
}
