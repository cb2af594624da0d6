/**
 * What a client's operation may be before anything is planned: how many tokens it has, how deep it is nested,
 * how many root fields, aliases and fields it has once its fragments are expanded. Checked while validating,
 * so an operation beyond a limit costs microseconds, and one within them is measured once for as long as its
 * document is kept. What it may cost is cost.ts.
 */
import { codedError, type ErrorCode } from "@teranga/kit/errors.ts";
import {
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  TokenKind,
  type ValidationRule,
} from "graphql";

/** The limits that an operator may set (config.ts). */
export interface Limits {
  depthMax: number;
  aliasesMax: number;
  rootFieldsMax: number;
  tokensMax: number;
  costMax: number;
  bodyBytesMax: number;
}

/** Each leaves room above the most that our own clients and tests ask for. */
export const DEFAULT_LIMITS: Limits = {
  /**
   * The introspection query is 13 deep; from a city through an order's allocations to the city's stock is 14.
   */
  depthMax: 20,
  /** Programs that put operations together alias each of their parts. */
  aliasesMax: 100,
  /** A shop's page asks for up to ten things at once. */
  rootFieldsMax: 50,
  /** The longest operation of our own clients has about 600; Sandbox's introspection has about 350. */
  tokensMax: 10_000,
  /**
   * 100 orders of 14 cities with their allocations cost 17,000; the public gateway benchmark's heavy query
   * 25,000.
   */
  costMax: 100_000,
  /** A document of 10,000 tokens is about 100 kB; the rest is for variables. */
  bodyBytesMax: 1024 * 1024,
};

/**
 * How often the depth of fields may be nested if fragments count too: a client built of components has one or
 * two around each field.
 */
const NESTING_PER_DEPTH = 3;
/**
 * Fragments within fragments multiply: 20 lines can stand for millions of fields. Not for operators: it
 * bounds our own work.
 */
export const FIELDS_MAX = 5_000;

/**
 * A token and the space around it: those of our own clients take 8. Comments are no tokens, so these have to
 * be counted, too.
 */
const CHARACTERS_PER_TOKEN = 13;
/** Tests and small installations set few tokens. */
const CHARACTERS_MIN = 16 * 1024;

/**
 * How often as much as one document a document may come to once its fragments are expanded: then it is kept
 * as well. Not for operators either.
 */
export const EXPANSION_MAX = 2;

/** How long a text with so many tokens may be. */
export function charactersMaxOf({ tokensMax }: Pick<Limits, "tokensMax">): number {
  return Math.max(CHARACTERS_MIN, CHARACTERS_PER_TOKEN * tokensMax);
}

/** What an operation can have too much of. */
export type LimitName =
  | "characters"
  | "nameLength"
  | "depth"
  | "nesting"
  | "fields"
  | "aliases"
  | "rootFields"
  | "tokens"
  | "expandedTokens"
  | "expandedCharacters"
  | "cost"
  | "ways";

export const LIMIT_CODE = "OPERATION_LIMIT_EXCEEDED" satisfies ErrorCode;

/**
 * The refusal of an operation beyond a limit. JSON has no number for some figures of operations that
 * multiply.
 */
export function limitExceeded(limit: LimitName, actual: number, allowed: number): GraphQLError {
  const figure = Math.min(actual, Number.MAX_SAFE_INTEGER);
  const message = `The operation ${WORDS[limit](figure)}; ${allowed} ${allowed === 1 ? "is" : "are"} allowed.`;
  return codedError(LIMIT_CODE, message, { limit, actual: figure, allowed, http: { status: 400 } });
}

const WORDS: Record<LimitName, (actual: number) => string> = {
  characters: (actual) => `has ${actual} characters`,
  nameLength: (actual) => `has a name of ${actual} characters`,
  depth: (actual) => `is nested ${actual} levels deep`,
  nesting: (actual) => `is nested ${actual} levels deep with its fragments`,
  fields: (actual) => `asks for ${actual} fields, its fragments expanded`,
  aliases: (actual) => `has ${actual} aliases, its fragments expanded`,
  rootFields: (actual) => `has ${actual} root fields, its fragments expanded`,
  tokens: (actual) => `has ${actual} tokens or more`,
  expandedTokens: (actual) => `has ${actual} tokens, its fragments expanded`,
  expandedCharacters: (actual) => `has ${actual} characters, its fragments expanded`,
  cost: (actual) => `costs ${actual}`,
  ways: (actual) => `can be carried out in ${actual} ways or more through the services`,
};

interface Size {
  /** Levels of fields. */
  depth: number;
  /** Levels of fields and fragments. */
  nesting: number;
  fields: number;
  aliases: number;
  /** Fields that are not below another one. */
  topFields: number;
  /** Those of the text of fragments, wherever they are spread. */
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
 * Refuses operations that are nested too deep, expand to too many fields, or have too many aliases or root
 * fields.
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

/** Measures selections; a fragment is measured once, however often it is spread. */
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
    // A fragment that contains itself meets this entry; another rule refuses it.
    sizes.set(fragment, NOTHING);
    const size = withText(sizeOf(fragment.selectionSet), fragment);
    sizes.set(fragment, size);
    return size;
  };
  return sizeOf;
}

/** With a definition's own text. */
function withText(size: Size, { loc }: OperationDefinitionNode | FragmentDefinitionNode): Size {
  if (!loc) return size;
  let count = 1;
  for (let token = loc.startToken; token !== loc.endToken; token = token.next!) {
    if (token.kind !== TokenKind.COMMENT) count++;
  }
  return { ...size, tokens: size.tokens + count, characters: size.characters + loc.end - loc.start };
}

/** The first limit that is exceeded: one is enough to refuse. */
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

/**
 * What to say of a document that the parser does not take, if it stopped because of the limit of tokens: for
 * that it has no code, and its words are not for machines. The tokens are counted again up to where it
 * stopped, which is 1 ms at most.
 */
export function tokensExceeded(error: unknown, tokensMax: number): GraphQLError | undefined {
  if (!(error instanceof GraphQLError) || !error.source || error.positions?.length !== 1) return undefined;
  const lexer = new Lexer(error.source);
  try {
    for (let count = 1; count <= tokensMax; count++) {
      const { kind, start } = lexer.advance();
      if (kind === TokenKind.EOF || start >= error.positions[0]!) return undefined;
    }
  } catch {
    // It stopped because something is no token at all.
    return undefined;
  }
  return limitExceeded("tokens", tokensMax + 1, tokensMax);
}
