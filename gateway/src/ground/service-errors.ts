/** Limits what is taken over of a service's errors, and how many. */
import type { GraphQLFormattedError } from "graphql";

/** Enough to see which rows an outage costs. An answer must not consist of errors. */
const ERRORS_OF_A_KIND_MAX = 100;
/** Further kinds are counted together. */
const KINDS_MAX = 10;

/** Longer messages are cut, since an error may be repeated at many places. */
const MESSAGE_LENGTH_MAX = 1_000;
/** If the extensions are longer as JSON, only the code is kept. */
const EXTENSIONS_LENGTH_MAX = 4_000;
/** Longer paths lead nowhere: fields may be nested 20 deep (limits.ts), each in a few lists. */
const PATH_LENGTH_MAX = 200;

/** A service's errors without what is not meant for clients, and limited by `limitErrors`. */
export function takenErrors(errors: readonly GraphQLFormattedError[] = []): GraphQLFormattedError[] {
  return limitErrors(errors.map(taken));
}

function taken({ message, path, locations, extensions }: GraphQLFormattedError): GraphQLFormattedError {
  const said = message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
  return {
    message: said,
    ...(locations && { locations }),
    // A service may send null for an unknown path.
    ...(path && path.length <= PATH_LENGTH_MAX && { path }),
    ...(extensions && { extensions: takenExtensions(extensions) }),
  };
}

function takenExtensions(all: Record<string, unknown>): Record<string, unknown> {
  // Apollo Server would take the status of the whole answer from `http`.
  const { stacktrace: _, exception: __, http: ___, ...extensions } = all;
  if (JSON.stringify(extensions).length <= EXTENSIONS_LENGTH_MAX) return extensions;
  return typeof extensions.code === "string" ? { code: extensions.code.slice(0, MESSAGE_LENGTH_MAX) } : {};
}

interface Kind {
  shown: number;
  notListed: number;
  /** The first error that is not listed. */
  first: GraphQLFormattedError | undefined;
}

/**
 * The first errors of each kind, and one more that stands for the rest, with their number in
 * `extensions.notListed`. Errors of one kind have the same code and message. Errors that were limited part by
 * part can be limited again as a whole.
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

/** The number of errors that this one stands for and that are not listed. */
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
