/**
 * Measures an operation with its fragments expanded, as a part of validation. An operation beyond a limit
 * costs microseconds, and one within the limits is measured once for as long as its document is kept.
 */
import {
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  TokenKind,
  type ValidationRule,
} from "graphql";
import {
  charactersMaxOf,
  EXPANSION_MAX,
  FIELDS_MAX,
  type LimitName,
  type Limits,
  limitExceeded,
} from "../ground/limits.ts";

/**
 * How much deeper an operation may be if fragments count as levels, too. A client that is built of components
 * has one or two fragments around each field.
 */
const NESTING_PER_DEPTH = 3;

interface Size {
  /** Levels of fields. */
  depth: number;
  /** Levels of fields and fragments. */
  nesting: number;
  fields: number;
  aliases: number;
  /** Fields that are not inside another field. */
  topFields: number;
  /** Tokens with the text of each fragment counted wherever it is spread. */
  tokens: number;
  characters: number;
}

const NOTHING: Size = {
  depth: 0,
  nesting: 0,
  fields: 0,
  aliases: 0,
  topFields: 0,
  tokens: 0,
  characters: 0,
};

/**
 * Refuses operations that are too deep, expand to too many fields, or have too many aliases or root fields.
 */
export function createSizeRule(limits: Limits): ValidationRule {
  return (context) => {
    const sizeOf = createMeasure((name) => context.getFragment(name) ?? undefined);
    return {
      OperationDefinition(operation) {
        const error = problemOf(withText(sizeOf(operation.selectionSet), operation), limits);
        if (!error) return;
        context.reportError(
          new GraphQLError(error.message, { nodes: operation, extensions: error.extensions }),
        );
      },
    };
  };
}

/** Measures selections. A fragment is measured once, however often it is spread. */
function createMeasure(fragmentOf: (name: string) => FragmentDefinitionNode | undefined) {
  const sizes = new Map<FragmentDefinitionNode, Size>();

  const sizeOf = ({ selections }: SelectionSetNode): Size => {
    const size: Size = { ...NOTHING };
    for (const selection of selections) {
      const inner = innerSize(selection);
      const isField = selection.kind === Kind.FIELD;
      size.depth = Math.max(size.depth, (isField ? 1 : 0) + inner.depth);
      size.nesting = Math.max(size.nesting, 1 + inner.nesting);
      size.fields += (isField ? 1 : 0) + inner.fields;
      size.aliases += (isField && selection.alias ? 1 : 0) + inner.aliases;
      size.topFields += isField ? 1 : inner.topFields;
      size.tokens += inner.tokens;
      size.characters += inner.characters;
    }
    return size;
  };

  const innerSize = (selection: SelectionNode): Size => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return fragmentSize(selection.name.value);
    return selection.selectionSet ? sizeOf(selection.selectionSet) : NOTHING;
  };

  const fragmentSize = (name: string): Size => {
    const fragment = fragmentOf(name);
    if (!fragment) return NOTHING;
    const known = sizes.get(fragment);
    if (known) return known;
    // A fragment that contains itself finds this entry. Another rule refuses it.
    sizes.set(fragment, NOTHING);
    const size = withText(sizeOf(fragment.selectionSet), fragment);
    sizes.set(fragment, size);
    return size;
  };
  return sizeOf;
}

/** Adds a definition's own text. */
function withText(size: Size, { loc }: OperationDefinitionNode | FragmentDefinitionNode): Size {
  if (!loc) return size;
  let count = 1;
  for (let token = loc.startToken; token !== loc.endToken; token = token.next!) {
    if (token.kind !== TokenKind.COMMENT) count++;
  }
  return { ...size, tokens: size.tokens + count, characters: size.characters + loc.end - loc.start };
}

/** The first limit that is exceeded. One is enough to refuse. */
function problemOf(size: Size, limits: Limits): GraphQLError | undefined {
  const figures: [LimitName, number, number][] = [
    ["depth", size.depth, limits.depthMax],
    ["nesting", size.nesting, limits.depthMax * NESTING_PER_DEPTH],
    ["fields", size.fields, FIELDS_MAX],
    ["rootFields", size.topFields, limits.rootFieldsMax],
    ["aliases", size.aliases, limits.aliasesMax],
    ["expandedTokens", size.tokens, EXPANSION_MAX * limits.tokensMax],
    ["expandedCharacters", size.characters, EXPANSION_MAX * charactersMaxOf(limits)],
  ];
  const beyond = figures.find(([, actual, allowed]) => actual > allowed);
  return beyond && limitExceeded(...beyond);
}
