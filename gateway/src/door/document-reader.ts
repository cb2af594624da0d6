/**
 * Reads what clients send into documents that are kept, or says why it cannot.
 *
 * Apollo Server could do this, but at no bounded cost. It checks the safelist last, and graphql-js counts
 * lines from the beginning of the text for each place that an error names. A name of 900 kB with 110
 * variables took 5 s and was answered with 90 MB. Here the cheap checks come first, errors are short, and an
 * answer has at most ten of them.
 */
import type { ApolloServerPlugin, GraphQLRequestContext } from "@apollo/server";
import { codedError, cutText, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { REFUSAL_MESSAGE_LENGTH_MAX } from "@teranga/kit/http/short-refusals.ts";
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  parse,
  TokenKind,
} from "graphql";
import { asGraphQLError } from "../ground/faults.ts";
import { charactersMaxOf, limitExceeded, tokensExceeded } from "../ground/limits.ts";
import { onThisThread } from "../ground/turns.ts";
import { UnderWay } from "../ground/under-way.ts";
import type { SideThread } from "../planning/side-thread.ts";
import type { RequestContext } from "../sources/request-context.ts";
import { LOCATIONS_MAX, problemsOf, sizeProblemsOf, type ValidationTerms } from "../validation/validation.ts";
import { createDocumentStore, type DocumentStore } from "./document-store.ts";
import type { Safelist } from "./safelist.ts";

/** The longest names that tools make, of a component's and a fragment's name, have about 100 characters. */
const NAME_LENGTH_MAX = 250;

/** The longest text that is validated on the thread that answers requests: 50 ms at most. */
const NEAR_CHARACTERS_MAX = 4_096;

export interface ReaderTerms extends ValidationTerms {
  /** The thread that validates long texts against a schema. Without one, this thread does. */
  sideThreadOf?: (schema: GraphQLSchema) => SideThread | undefined;
  safelist?: Safelist | undefined;
}

type Request = GraphQLRequestContext<RequestContext>;
type Refusal = [GraphQLError, ...GraphQLError[]];
type Read = { kind: "read"; document: DocumentNode };
type Reading = Read | { kind: "refused"; errors: Refusal };

/**
 * Must be the first plugin. A refused request has no operation, and its answer is complete before others see
 * it.
 */
export function readDocuments(terms: ReaderTerms): ApolloServerPlugin<RequestContext> {
  const reader = new DocumentReader(terms);
  return {
    async requestDidStart() {
      let refused: Refusal | undefined;
      return {
        async didResolveSource(request) {
          const reading = await reader.read(request);
          if (reading.kind === "refused") refused = reading.errors;
          // Apollo Server would parse and validate a request that has no document yet.
          (request as { document?: DocumentNode }).document =
            reading.kind === "read" ? reading.document : NOTHING;
        },
        async didResolveOperation({ operation }) {
          if (refused) throw refused[0];
          if (!operation) throw unknownOperation();
          if (operation.operation === "subscription") throw refusal("OPERATION_NOT_SUPPORTED");
        },
        async willSendResponse({ response: { body } }) {
          // Apollo Server has already thrown the first error and put it into the answer.
          if (refused && refused.length > 1 && body.kind === "single")
            body.singleResult.errors = refused.map(formatted);
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

function formatted({ message, extensions, locations }: GraphQLError): GraphQLFormattedError {
  const { http: _, ...told } = extensions;
  return { message, ...(locations && { locations: locations.slice(0, LOCATIONS_MAX) }), extensions: told };
}

interface Known {
  store: DocumentStore;
  underWay: UnderWay<Reading>;
}

class DocumentReader {
  readonly #terms: ReaderTerms;
  /** A document is only valid for the schema that it was validated against. */
  readonly #known = new WeakMap<GraphQLSchema, Known>();

  constructor(terms: ReaderTerms) {
    this.#terms = terms;
  }

  async read({ schema, source = "", queryHash = "" }: Request): Promise<Reading> {
    const { store, underWay } = this.#knownOf(schema);
    const known = store.find(queryHash);
    if (known) return { kind: "read", document: known };
    return underWay.get(queryHash, async () => {
      const keep = () => store.keep(queryHash, source);
      return this.#readNew(schema, source, keep).catch(notRead);
    });
  }

  #knownOf(schema: GraphQLSchema): Known {
    const known = this.#known.get(schema) ?? {
      store: createDocumentStore(this.#terms.limits),
      underWay: new UnderWay(),
    };
    this.#known.set(schema, known);
    return known;
  }

  /** @param keep stores the document and returns the tree to use in its place */
  async #readNew(schema: GraphQLSchema, text: string, keep: () => DocumentNode): Promise<Reading> {
    const { limits, safelist, hidesSchema, sideThreadOf } = this.#terms;
    const charactersMax = charactersMaxOf(limits);
    if (text.length > charactersMax) return refused(limitExceeded("characters", text.length, charactersMax));
    if (safelist?.mode === "enforce" && !safelist.has(text)) {
      return refused(refusal("OPERATION_NOT_IN_SAFELIST"));
    }
    const sideThread = text.length > NEAR_CHARACTERS_MAX ? sideThreadOf?.(schema) : undefined;
    const parsed = await onThisThread.next(text.length, () => {
      const reading = this.#parse(text);
      if (reading.kind === "refused") return reading;
      // A document that is too large must be refused at once, without waiting for the side thread to start.
      const look = sideThread ? sizeProblemsOf : problemsOf;
      const seen = judged(reading, look(schema, reading.document, this.#terms));
      return sideThread ? seen : kept(seen, keep);
    });
    if (!sideThread || parsed.kind === "refused") return parsed;
    const validated = judged(parsed, await sideThread.validate(text, { limits, hidesSchema }));
    return onThisThread.next(text.length, () => kept(validated, keep));
  }

  #parse(text: string): Reading {
    const { limits } = this.#terms;
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
    return { kind: "read", document };
  }
}

function judged(reading: Read, [first, ...more]: readonly GraphQLError[]): Reading {
  return first ? { kind: "refused", errors: [first, ...more] } : reading;
}

function kept(reading: Reading, keep: () => DocumentNode): Reading {
  return reading.kind === "read" ? { kind: "read", document: keep() } : reading;
}

function refused(error: GraphQLError): Reading {
  return { kind: "refused", errors: [error] };
}

/**
 * An error for a document that was not read: too many are waiting, or the fault is ours. Apollo Server would
 * neither log our fault as one nor give it a code.
 */
function notRead(error: unknown): Reading {
  return refused(asGraphQLError(error, { http: { status: 500 } }));
}

function notParsed(error: unknown): GraphQLError {
  const extensions = { code: "GRAPHQL_PARSE_FAILED", http: { status: 400 } };
  if (error instanceof GraphQLError) {
    const { source, positions } = error;
    return new GraphQLError(cutText(error.message, REFUSAL_MESSAGE_LENGTH_MAX), {
      source,
      positions,
      extensions,
    });
  }
  // The parser is recursive, so deep nesting overflows its stack.
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
