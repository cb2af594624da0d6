/**
 * Reads what clients send into documents that are kept, or says why not.
 *
 * Apollo Server could do that, but not at a cost that is bounded: it looks whether a text is in the safelist last of all, and graphql-js
 * looks for the line of each place that an error names from the beginning of the text. A name of 900 kB with 110 variables took 5 s
 * and was answered with 90 MB. Here what is cheap comes first, an error is as short as it can be, and there are ten of them at most.
 */
import type { ApolloServerPlugin, GraphQLRequestContext } from "@apollo/server";
import { codedError, cutText, ERROR_CODES } from "@teranga/kit/errors.ts";
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  parse,
  specifiedRules,
  TokenKind,
  type ValidationRule,
  validate,
} from "graphql";
import type { GatewayContext } from "../request-context.ts";
import { createDocumentStore } from "./document-store.ts";
import { finiteFloatsRule } from "./finite-floats.ts";
import { charactersMaxOf, createSizeRule, type Limits, limitExceeded, tokensExceeded } from "./limits.ts";
import type { Safelist } from "./safelist.ts";

/** Nobody reads more; the last one says that there are more. */
const ERRORS_MAX = 10;
/** The words of graphql-js quote names and values. */
const MESSAGE_LENGTH_MAX = 300;
/** Two are enough to find what contradicts what. */
const LOCATIONS_MAX = 2;
/** The longest that tools make, of a component's name and a fragment's, are about 100. */
const NAME_LENGTH_MAX = 250;

export interface ReaderTerms {
  limits: Limits;
  /** Beside those of the specification. */
  rules: readonly ValidationRule[];
  /** "Did you mean" gives the schema away a word at a time. */
  hidesSchema: boolean;
  safelist?: Safelist | undefined;
}

type Request = GraphQLRequestContext<GatewayContext>;
type Refusal = [GraphQLError, ...GraphQLError[]];
type Reading = { kind: "read"; document: DocumentNode } | { kind: "refused"; errors: Refusal };

/** To be the first plugin: what it refuses has no operation, and its answer is complete before others look at it. */
export function readDocuments(terms: ReaderTerms): ApolloServerPlugin<GatewayContext> {
  const reader = new DocumentReader(terms);
  return {
    async requestDidStart() {
      let refused: Refusal | undefined;
      return {
        async didResolveSource(request) {
          const reading = await reader.read(request);
          if (reading.kind === "refused") refused = reading.errors;
          // Apollo Server parses and validates what has no document yet.
          (request as { document?: DocumentNode }).document =
            reading.kind === "read" ? reading.document : NOTHING;
        },
        async didResolveOperation({ operation }) {
          if (refused) throw refused[0];
          if (!operation) throw unknownOperation();
          if (operation.operation === "subscription") throw refusal("OPERATION_NOT_SUPPORTED");
        },
        async willSendResponse({ response: { body } }) {
          // Apollo Server has taken the first.
          if (refused && body.kind === "single") body.singleResult.errors = refused.map(formatted);
        },
      };
    },
  };
}

const NOTHING: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };

function unknownOperation(): GraphQLError {
  return refusal("OPERATION_RESOLUTION_FAILURE");
}

function refusal(code: keyof typeof ERROR_CODES): GraphQLError {
  return codedError(code, ERROR_CODES[code], { http: { status: 400 } });
}

function formatted({ message, extensions, nodes, locations }: GraphQLError): GraphQLFormattedError {
  const { http: _, ...told } = extensions;
  const places = nodes ? locationsOf(nodes) : locations;
  return { message, ...(places && { locations: places.slice(0, LOCATIONS_MAX) }), extensions: told };
}

class DocumentReader {
  readonly #terms: ReaderTerms;
  /** A document is valid for the schema that it was validated against. */
  readonly #stores = new WeakMap<GraphQLSchema, NonNullable<ReturnType<typeof createDocumentStore>>>();

  constructor(terms: ReaderTerms) {
    this.#terms = terms;
  }

  async read({ schema, source = "", queryHash = "" }: Request): Promise<Reading> {
    const store = this.#stores.get(schema) ?? createDocumentStore()!;
    this.#stores.set(schema, store);
    const known = await store.get(queryHash);
    if (known) return { kind: "read", document: known };
    const reading = this.#readNew(schema, source);
    if (reading.kind === "read") await store.set(queryHash, reading.document);
    return reading;
  }

  #readNew(schema: GraphQLSchema, text: string): Reading {
    const { limits, safelist } = this.#terms;
    const charactersMax = charactersMaxOf(limits);
    if (text.length > charactersMax) return refused(limitExceeded("characters", text.length, charactersMax));
    if (safelist?.mode === "enforce" && !safelist.has(text)) {
      return refused(refusal("OPERATION_NOT_IN_SAFELIST"));
    }
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: limits.tokensMax });
    } catch (error) {
      return refused(tokensExceeded(error, limits.tokensMax) ?? notParsed(error));
    }
    const nameLength = longestName(document);
    if (nameLength > NAME_LENGTH_MAX) {
      return refused(limitExceeded("nameLength", nameLength, NAME_LENGTH_MAX));
    }
    const [first, ...more] = this.#validate(schema, document).map(invalid);
    return first ? { kind: "refused", errors: [first, ...more] } : { kind: "read", document };
  }

  #validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const { limits, rules, hidesSchema } = this.#terms;
    const source = document.loc!.source;
    const { body } = source;
    // An error reads the text up to each of its places. They are known from the tokens.
    source.body = "";
    try {
      const sizes = validate(schema, document, [createSizeRule(limits)], { maxErrors: 1 });
      if (sizes.length > 0) return sizes.slice(0, 1);
      return validate(schema, document, [...specifiedRules, finiteFloatsRule, ...rules], {
        maxErrors: ERRORS_MAX,
        hideSuggestions: hidesSchema,
      });
    } finally {
      source.body = body;
    }
  }
}

function refused(error: GraphQLError): Reading {
  return { kind: "refused", errors: [error] };
}

function notParsed(error: unknown): GraphQLError {
  const extensions = { code: "GRAPHQL_PARSE_FAILED", http: { status: 400 } };
  if (error instanceof GraphQLError) {
    const { source, positions } = error;
    return new GraphQLError(cutText(error.message, MESSAGE_LENGTH_MAX), { source, positions, extensions });
  }
  // The parser calls itself for what is nested.
  if (!(error instanceof RangeError)) throw error;
  return new GraphQLError("The document is nested too deep to be read.", { extensions });
}

function longestName({ loc }: DocumentNode): number {
  let longest = 0;
  for (let token = loc?.startToken ?? null; token; token = token.next) {
    if (token.kind === TokenKind.NAME) longest = Math.max(longest, token.end - token.start);
  }
  return longest;
}

/** What a rule says, cut; with its own code if it is one of ours. */
function invalid({ message, nodes, extensions }: GraphQLError): GraphQLError {
  const error = new GraphQLError(cutText(message, MESSAGE_LENGTH_MAX), {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", ...extensions, http: { status: 400 } },
  });
  return Object.defineProperty(error, "nodes", { value: nodes?.slice(0, LOCATIONS_MAX) });
}

function locationsOf(nodes: NonNullable<GraphQLError["nodes"]>) {
  return nodes.flatMap(({ loc }) =>
    loc ? [{ line: loc.startToken.line, column: loc.startToken.column }] : [],
  );
}
