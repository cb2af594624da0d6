/** What is taken over of a service's errors, and how many. */
import type { GraphQLFormattedError } from "graphql";

/** Enough to see which rows an outage costs; an answer must not be made of errors. */
const ERRORS_OF_A_KIND_MAX = 100;
/** Further kinds are counted together. */
const KINDS_MAX = 10;

/** Longer messages are cut off: an error may be said at many places. */
const MESSAGE_LENGTH_MAX = 1_000;
/** Extensions that are longer as JSON are left out, but for the code. */
const EXTENSIONS_LENGTH_MAX = 4_000;

/** Errors as a service sent them, without what is not for clients, and no more than `limitErrors` lets through. */
export function takenErrors(errors: readonly GraphQLFormattedError[] = []): GraphQLFormattedError[] {
  return limitErrors(errors.map(taken));
}

function taken({ message, path, locations, extensions }: GraphQLFormattedError): GraphQLFormattedError {
  const said = message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
  return {
    message: said,
    ...(locations && { locations }),
    // A service may well send null for what it does not know.
    ...(path && { path }),
    ...(extensions && { extensions: takenExtensions(extensions) }),
  };
}

function takenExtensions(all: Record<string, unknown>): Record<string, unknown> {
  // Apollo Server would set its own answer's status by `http`.
  const { stacktrace: _, exception: __, http: ___, ...extensions } = all;
  if (JSON.stringify(extensions).length <= EXTENSIONS_LENGTH_MAX) return extensions;
  return typeof extensions.code === "string" ? { code: extensions.code.slice(0, MESSAGE_LENGTH_MAX) } : {};
}

interface Kind {
  shown: number;
  notListed: number;
  /** The first one that is not listed. */
  first: GraphQLFormattedError | undefined;
}

/**
 * The first errors of each kind, and one for the others: the first of them, with their number in `extensions.notListed`. Those of a
 * kind have one code and say the same. What has been limited before, part by part, can be limited again as a whole.
 */
export function limitErrors(errors: Iterable<GraphQLFormattedError>): GraphQLFormattedError[] {
  const kinds = new Map<string, Kind>();
  const listed: GraphQLFormattedError[] = [];
  for (const error of errors) {
    const kind = kindOf(error, kinds);
    const notListed = notListedBy(error);
    if (notListed === 0 && kind.shown < ERRORS_OF_A_KIND_MAX) {
      kind.shown++;
      listed.push(error);
    } else {
      kind.notListed += notListed || 1;
      kind.first ??= error;
    }
  }
  for (const { notListed, first } of kinds.values()) {
    if (first)
      listed.push(notListed === 1 ? first : { ...first, extensions: { ...first.extensions, notListed } });
  }
  return listed;
}

/** How many errors an error stands for that are not listed. */
export function notListedBy({ extensions }: GraphQLFormattedError): number {
  const number = extensions?.notListed;
  return Number.isSafeInteger(number) && (number as number) > 0 ? (number as number) : 0;
}

function kindOf({ message, extensions }: GraphQLFormattedError, kinds: Map<string, Kind>): Kind {
  const own = `${extensions?.code} ${message}`;
  const name = kinds.has(own) || kinds.size < KINDS_MAX ? own : "others";
  const kind = kinds.get(name) ?? { shown: 0, notListed: 0, first: undefined };
  kinds.set(name, kind);
  return kind;
}
