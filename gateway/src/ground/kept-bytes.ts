/**
 * What is kept of clients' documents takes, in about bytes, and how much of it there may be. The bounds
 * follow from what the limits admit: an operation that is admitted and not kept would be planned each time.
 * Measured with `--expose-gc` (`heapUsed`) on the shop's graph.
 */
import { Lexer, type OperationDefinitionNode, Source, TokenKind, visit } from "graphql";
import { SHARES } from "./bounded-cache.ts";
import { charactersMaxOf, EXPANSION_MAX, FIELDS_MAX, type Limits } from "./limits.ts";

/** A token's share of a syntax tree without places: 100 to 200. With them it is 250 to 340. */
const TOKEN_BYTES = 200;
/** A token's share of what is compiled from the text of a fetch: 50 to 550, the most for crossings. */
const PLAN_TOKEN_BYTES = 500;
/** A copy of a selection that has selections of its own. */
const SELECTION_BYTES = 200;
/**
 * How many of the greatest documents there is room for; of our own clients' longest, 600 tokens, about 300.
 */
const DOCUMENTS = 4 * SHARES;

/** The syntax tree of a text. */
export function treeBytes(text: string, tokenCount = tokensOf(text)): number {
  return text.length + TOKEN_BYTES * tokenCount;
}

/** What is compiled from the text of a fetch, twice the text among it. */
export function planBytes(text: string): number {
  return 2 * text.length + PLAN_TOKEN_BYTES * tokensOf(text);
}

/** What of an operation is copied when its fragments are expanded. */
export function expandedBytes(operation: OperationDefinitionNode): number {
  let bytes = 0;
  visit(operation, {
    SelectionSet: () => {
      bytes += SELECTION_BYTES;
    },
  });
  return bytes;
}

/** How much the documents may take that have been read. */
export function documentsBytesMax(limits: Pick<Limits, "tokensMax">): number {
  return DOCUMENTS * (charactersMaxOf(limits) + TOKEN_BYTES * limits.tokensMax);
}

/**
 * How much the operations may take that have been compiled: what comes is kept though it be the greatest
 * (bounded-cache.ts).
 */
export function operationsBytesMax(limits: Pick<Limits, "tokensMax">): number {
  const text = charactersMaxOf(limits) + TOKEN_BYTES * limits.tokensMax;
  return SHARES * (text + SELECTION_BYTES * FIELDS_MAX) + partsBytesMax(limits);
}

/** How much parts of fetches may take: the greatest is all of a plan. */
export function partsBytesMax({ tokensMax }: Pick<Limits, "tokensMax">): number {
  const plan = 2 * charactersMaxOf({ tokensMax }) + PLAN_TOKEN_BYTES * tokensMax;
  return SHARES * EXPANSION_MAX * plan;
}

function tokensOf(text: string): number {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  while (lexer.advance().kind !== TokenKind.EOF) count++;
  return count;
}
