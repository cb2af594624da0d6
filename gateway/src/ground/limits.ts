/**
 * What a client's operation may be before anything is planned: how many tokens it has, how deep it is nested,
 * how many root fields, aliases and fields it has once its fragments are expanded. Checked while validating,
 * so an operation beyond a limit costs microseconds, and one within them is measured once for as long as its
 * document is kept. What it may cost is cost.ts.
 */
import { codedError, type ErrorCode } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError, Lexer, TokenKind } from "graphql";

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
