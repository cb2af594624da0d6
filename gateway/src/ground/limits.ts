/**
 * Limits on a client's operation, checked before it is planned: its tokens, its depth, and its root fields,
 * aliases and fields with fragments expanded. Validation checks them, so refusing an operation costs
 * microseconds, and an accepted one is measured once for as long as its document is kept. cost.ts limits the
 * cost.
 */
import { codedError, type ErrorCode } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError, Lexer, TokenKind } from "graphql";

/** The limits that an operator can set (config.ts). */
export interface Limits {
  depthMax: number;
  aliasesMax: number;
  rootFieldsMax: number;
  tokensMax: number;
  costMax: number;
  bodyBytesMax: number;
}

/** Each leaves room above the most that our own clients and tests need. */
export const DEFAULT_LIMITS: Limits = {
  /**
   * The introspection query is 13 deep. From a city through an order's allocations to the city's stock is 14.
   */
  depthMax: 20,
  /** Programs that assemble operations alias each of their parts. */
  aliasesMax: 100,
  /** A page of the shop asks for up to ten things at once. */
  rootFieldsMax: 50,
  /** The longest operation of our own clients has about 600; Sandbox's introspection has about 350. */
  tokensMax: 10_000,
  /**
   * 100 orders of 14 cities with their allocations cost 17,000. The heavy query of the public gateway
   * benchmark costs 25,000.
   */
  costMax: 100_000,
  /** A document of 10,000 tokens is about 100 kB. The rest is for variables. */
  bodyBytesMax: 1024 * 1024,
};

/**
 * Fragments inside fragments multiply: 20 lines can stand for millions of fields. Operators cannot set this
 * limit, since it bounds our own work.
 */
export const FIELDS_MAX = 5_000;

/**
 * A token and the whitespace around it: our own clients use 8. Comments are not tokens, so characters must be
 * limited as well.
 */
const CHARACTERS_PER_TOKEN = 13;
/** Tests and small installations allow few tokens. */
const CHARACTERS_MIN = 16 * 1024;

/**
 * How many times its own size a document may reach when its fragments are expanded, and still be kept.
 * Operators cannot set this limit either.
 */
export const EXPANSION_MAX = 2;

/** The maximum length of a text with this many tokens. */
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
  | "ways"
  | "workMs"
  | "workMb";

export const LIMIT_CODE = "OPERATION_LIMIT_EXCEEDED" satisfies ErrorCode;

/**
 * The error for an operation beyond a limit. Operations that multiply can have figures that JSON has no
 * number for.
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
  workMs: (actual) => `takes ${actual} ms or more to validate or to plan`,
  workMb: (actual) => `takes ${actual} MB or more to validate or to plan`,
};

/**
 * The error for a document at which the parser stopped because of the token limit; undefined if it stopped
 * for another reason. The parser has no code for this, and its message is not made for programs. So the
 * tokens are counted again up to where it stopped, which takes 1 ms at most.
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
    // The parser stopped at characters that form no token.
    return undefined;
  }
  return limitExceeded("tokens", tokensMax + 1, tokensMax);
}
