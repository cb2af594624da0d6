/**
 * What a client's operation may cost before anything is planned: its tokens, how deep it is nested, and how many fields it
 * has once its fragments are expanded. Checked while validating, so an operation beyond a limit costs microseconds.
 */
import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

/** The longest operation of our own clients has about 600; Sandbox's introspection has about 350. */
export const TOKENS_MAX = 10_000;
/** The introspection query is 13 deep; from a city through an order's allocations to the city's stock is 14. */
export const DEPTH_MAX = 20;
/** As DEPTH_MAX, but with fragments counted too: a client built of components has one or two around each field. */
export const NESTING_MAX = 3 * DEPTH_MAX;
/** Fragments within fragments multiply: 20 lines can stand for millions of fields. */
export const FIELDS_MAX = 5_000;

interface Size {
  /** Levels of fields. */
  depth: number;
  /** Levels of fields and fragments. */
  nesting: number;
  fields: number;
}

const NOTHING: Size = { depth: 0, nesting: 0, fields: 0 };

/** Refuses operations that are nested too deep or expand to too many fields. */
export function sizeRule(context: ValidationContext): ASTVisitor {
  const sizes = new Map<FragmentDefinitionNode, Size>();

  const sizeOf = (selectionSet: SelectionSetNode): Size => {
    const size: Size = { depth: 0, nesting: 0, fields: 0 };
    for (const selection of selectionSet.selections) {
      const own = selection.kind === Kind.FIELD ? 1 : 0;
      let inner: Size = NOTHING;
      if (selection.kind === Kind.FRAGMENT_SPREAD) inner = fragmentSize(selection.name.value);
      else if (selection.selectionSet) inner = sizeOf(selection.selectionSet);
      size.depth = Math.max(size.depth, own + inner.depth);
      size.nesting = Math.max(size.nesting, 1 + inner.nesting);
      size.fields += own + inner.fields;
    }
    return size;
  };

  const fragmentSize = (name: string): Size => {
    const fragment = context.getFragment(name);
    if (!fragment) return NOTHING;
    const known = sizes.get(fragment);
    if (known) return known;
    // A fragment that contains itself meets this entry; another rule refuses it.
    sizes.set(fragment, NOTHING);
    const size = sizeOf(fragment.selectionSet);
    sizes.set(fragment, size);
    return size;
  };

  return {
    OperationDefinition(operation) {
      const problem = problemOf(sizeOf(operation.selectionSet));
      if (problem) context.reportError(new GraphQLError(problem, { nodes: operation }));
    },
  };
}

function problemOf({ depth, nesting, fields }: Size): string | undefined {
  if (depth > DEPTH_MAX) return `The operation is nested ${depth} levels deep; ${DEPTH_MAX} are allowed.`;
  if (nesting > NESTING_MAX) {
    return `The operation is nested ${nesting} levels deep with its fragments; ${NESTING_MAX} are allowed.`;
  }
  if (fields > FIELDS_MAX) {
    return `The operation asks for too many fields, its fragments expanded; ${FIELDS_MAX} are allowed.`;
  }
  return undefined;
}
