/**
 * Splits an operation with @defer into the part that is answered first and the fragments that are answered
 * later, each with the way that leads to it. The plan says what is fetched when. The shape and the place of a
 * fragment's answer follow from the operation alone.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  getNamedType,
  type InlineFragmentNode,
  isCompositeType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
  visit,
} from "graphql";
import { inlinedOperation } from "../../ground/documents.ts";
import { typesWithin } from "../rewrites.ts";

export const DEFER = "defer";

/**
 * The maximum number of deferred fragments. Further ones are answered with their parent, as the specification
 * allows. Each deferred fragment may keep a copy of what was fetched before it.
 */
const DEFERRED_MAX = 20;

/** A step of the way from an object of an answer to objects below it. */
export type WayStep =
  | {
      kind: "field";
      /** The name in the data. The client's name may differ (names-apart.ts). */
      sourceName: string;
      typeName: string;
      directives: readonly DirectiveNode[];
    }
  | { kind: "condition"; types: ReadonlySet<string> | undefined; directives: readonly DirectiveNode[] };

/** A fragment that is answered later. */
export interface DeferredFragment {
  /** The planner's label for it. The client's may be missing, or stand in a fragment that is spread twice. */
  id: string;
  /** The client's label. */
  label: string | undefined;
  /** The deferred fragment around it; undefined directly in the operation. */
  parent: DeferredFragment | undefined;
  /** From the parent's object to the fragment, with the fragment's own type condition and conditions. */
  way: readonly WayStep[];
  /** The type of the selection set in which the fragment stands. */
  type: GraphQLCompositeType;
  /** The fragment's selections, without the fragments deferred inside it. */
  selectionSet: SelectionSetNode;
}

export interface SplitOperation {
  /** The operation, without fragment spreads. */
  operation: OperationDefinitionNode;
  /** The part that is answered first. Its selections may be empty. */
  primary: SelectionSetNode;
  /**
   * The document to plan, in which the label of each deferred fragment is its id. Undefined if no service
   * needs to be asked.
   */
  planned: DocumentNode | undefined;
  /** Each parent before the fragments deferred inside it. */
  deferred: readonly DeferredFragment[];
}

export function withoutDefer(document: DocumentNode): DocumentNode {
  return visit(document, { Directive: ({ name }) => (name.value === DEFER ? null : undefined) });
}

/** The operation of a document to be answered at once: without @defer, its first part is the whole. */
export function wholeOperation(document: DocumentNode): SplitOperation {
  const planned = withoutDefer(document);
  const operation = inlinedOperation(planned);
  return { operation, primary: operation.selectionSet, planned, deferred: [] };
}

/**
 * The operation of a document to be answered in parts. If nothing of it is deferred, it is the whole one.
 * @param schema the schema that clients see
 * @param variables the values of the conditions
 */
export function splitOperation(
  document: DocumentNode,
  schema: GraphQLSchema,
  variables: Readonly<Record<string, unknown>>,
): SplitOperation {
  const operation = inlinedOperation(document);
  const splitter = new Splitter(schema, variables);
  const type = schema.getRootType(operation.operation)!;
  // Mutations are carried out in order, and the specification allows no @defer at their root.
  const mayDefer = operation.operation !== OperationTypeNode.MUTATION;
  const { own, planned } = splitter.split(operation.selectionSet, {
    type,
    within: undefined,
    way: [],
    mayDefer,
  });
  const { deferred } = splitter;
  if (deferred.length === 0) return wholeOperation(document);
  const definition = { ...operation, selectionSet: selectionSetOf(planned) };
  return {
    operation,
    primary: selectionSetOf(own),
    planned: planned.length === 0 ? undefined : { kind: Kind.DOCUMENT, definitions: [definition] },
    deferred,
  };
}

/** Where a selection stands in an operation. */
interface Standing {
  /** The type of the objects that it selects from. */
  type: GraphQLCompositeType;
  within: DeferredFragment | undefined;
  /** The way from the enclosing fragment's object. */
  way: readonly WayStep[];
  mayDefer: boolean;
}

/** Two versions of one selection: how it is answered with its parent, and how it is planned. */
interface Halves<T> {
  own: T;
  planned: T;
}

class Splitter {
  readonly deferred: DeferredFragment[] = [];
  readonly #schema: GraphQLSchema;
  readonly #variables: Readonly<Record<string, unknown>>;

  constructor(schema: GraphQLSchema, variables: Readonly<Record<string, unknown>>) {
    this.#schema = schema;
    this.#variables = variables;
  }

  split({ selections }: SelectionSetNode, standing: Standing): Halves<SelectionNode[]> {
    const halves: Halves<SelectionNode[]> = { own: [], planned: [] };
    for (const selection of selections) {
      const { own, planned } =
        selection.kind === Kind.FIELD
          ? this.#field(selection, standing)
          : this.#fragment(selection as InlineFragmentNode, standing);
      if (own) halves.own.push(own);
      if (planned) halves.planned.push(planned);
    }
    return halves;
  }

  #field(field: FieldNode, standing: Standing): Halves<FieldNode | undefined> {
    const { type, way } = standing;
    const name = field.name.value;
    // No service is asked for introspection fields, and the planner knows them only outside of fragments.
    if (name === "__schema" || name === "__type") return { own: field, planned: undefined };
    const definition = "getFields" in type ? type.getFields()[name] : undefined;
    const fieldType = definition && getNamedType(definition.type);
    if (!field.selectionSet || !isCompositeType(fieldType)) return { own: field, planned: field };
    const { directives = [], alias } = field;
    const sourceName = alias?.value ?? name;
    const step: WayStep = { kind: "field", sourceName, typeName: fieldType.name, directives };
    const below = { ...standing, type: fieldType, way: [...way, step], mayDefer: true };
    const { own, planned } = this.split(field.selectionSet, below);
    return {
      own: { ...field, selectionSet: selectionSetOf(own) },
      planned: { ...field, selectionSet: selectionSetOf(planned) },
    };
  }

  #fragment(fragment: InlineFragmentNode, standing: Standing): Halves<InlineFragmentNode | undefined> {
    const condition = fragment.typeCondition?.name.value;
    const directives = fragment.directives?.filter(({ name }) => name.value !== DEFER) ?? [];
    const types = condition === undefined ? undefined : typesWithin(this.#schema, condition);
    const inner: Standing = {
      ...standing,
      type:
        condition === undefined ? standing.type : (this.#schema.getType(condition) as GraphQLCompositeType),
      way: [...standing.way, { kind: "condition", types, directives }],
    };
    const plain = { ...fragment, directives };
    const defer = this.#deferOf(fragment, standing);
    if (defer) return { own: undefined, planned: this.#defer(plain, defer, inner, standing.type) };
    const { own, planned } = this.split(fragment.selectionSet, inner);
    return {
      own: { ...plain, selectionSet: selectionSetOf(own) },
      planned: planned.length === 0 ? undefined : { ...plain, selectionSet: selectionSetOf(planned) },
    };
  }

  /** The @defer directive of a fragment, if the fragment is deferred. */
  #deferOf({ directives }: InlineFragmentNode, { mayDefer }: Standing): DirectiveNode | undefined {
    const defer = directives?.find(({ name }) => name.value === DEFER);
    if (!defer || !mayDefer || this.deferred.length >= DEFERRED_MAX) return undefined;
    const condition = argumentOf(defer, "if");
    return !condition || valueFromASTUntyped(condition, this.#variables) === true ? defer : undefined;
  }

  /**
   * The fragment as it is planned.
   * @param inner where its selections stand
   * @param type the type around it
   */
  #defer(
    fragment: InlineFragmentNode,
    defer: DirectiveNode,
    inner: Standing,
    type: GraphQLCompositeType,
  ): InlineFragmentNode | undefined {
    const id = String(this.deferred.length);
    const given = argumentOf(defer, "label");
    const label = given?.kind === Kind.STRING ? given.value : undefined;
    const deferred = {
      id,
      label,
      parent: inner.within,
      way: inner.way,
      type,
      selectionSet: selectionSetOf([]),
    };
    this.deferred.push(deferred);
    const { own, planned } = this.split(fragment.selectionSet, { ...inner, within: deferred, way: [] });
    deferred.selectionSet = selectionSetOf([{ ...fragment, selectionSet: selectionSetOf(own) }]);
    if (planned.length === 0) return undefined;
    const directives = [...(fragment.directives ?? []), labelled(defer, id)];
    return { ...fragment, directives, selectionSet: selectionSetOf(planned) };
  }
}

function selectionSetOf(selections: readonly SelectionNode[]): SelectionSetNode {
  return { kind: Kind.SELECTION_SET, selections };
}

export function argumentOf({ arguments: given }: DirectiveNode, name: string): ValueNode | undefined {
  return given?.find((argument) => argument.name.value === name)?.value;
}

function labelled(defer: DirectiveNode, id: string): DirectiveNode {
  const name = { kind: Kind.NAME, value: "label" } as const;
  const value = { kind: Kind.STRING, value: id } as const;
  return { ...defer, arguments: [{ kind: Kind.ARGUMENT, name, value }] };
}
