/**
 * The only operations that a gateway runs if it has a safelist: those of a manifest of persisted queries in
 * the format of Apollo's tools. `npm run generate` writes ours from our own clients' documents.
 */
import { readFile } from "node:fs/promises";
import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import type { ErrorCode } from "@teranga/kit/graphql/errors.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { type DocumentNode, parse, stripIgnoredCharacters } from "graphql";
import { z } from "zod";
import type { RequestContext } from "../sources/request-context.ts";
import type { GatewayMetrics } from "./metrics.ts";

const manifestShape = z.object({
  format: z.literal("apollo-persisted-query-manifest"),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string().min(1),
      name: z.string(),
      type: z.enum(["query", "mutation", "subscription"]),
      body: z.string().min(1),
    }),
  ),
});

/** `enforce`: other operations are refused. `log`: they run, and are logged. */
export type SafelistMode = "enforce" | "log";

export interface Safelist {
  mode: SafelistMode;
  /** The text of the operation with this id. */
  bodyOf(id: string): string | undefined;
  /**
   * Whether the list has the operation of this text, whatever its layout and comments. The text is not parsed
   * for this.
   */
  has(text: string): boolean;
  operationNames: ReadonlySet<string>;
}

/**
 * @throws StartupError, one line, if the file cannot be read, is not such a manifest or contradicts itself
 */
export async function readSafelist(file: string, mode: SafelistMode): Promise<Safelist> {
  try {
    return createSafelist(await readFile(file, "utf8"), mode);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartupError(`Safelist ${file}: ${code ?? message.split("\n")[0]}`);
  }
}

/** @param manifest the manifest's text. @throws Error that says what is wrong with it */
export function createSafelist(manifest: string, mode: SafelistMode): Safelist {
  const result = manifestShape.safeParse(JSON.parse(manifest));
  if (!result.success) {
    const { path, message } = result.error.issues[0]!;
    throw new Error(`${path.join(".") || "the manifest"}: ${message}`);
  }
  const bodies = new Map<string, string>();
  const names = new Set<string>();
  const normalForms = new Set<string>();
  for (const { id, name, body } of result.data.operations) {
    if (bodies.has(id)) throw new Error(`the id ${JSON.stringify(id)} stands there twice`);
    bodies.set(id, body);
    names.add(name);
    normalForms.add(normalForm(name, body));
  }
  return {
    mode,
    bodyOf: (id) => bodies.get(id),
    operationNames: names,
    has(text) {
      try {
        return normalForms.has(stripIgnoredCharacters(text));
      } catch {
        // The text does not consist of GraphQL tokens.
        return false;
      }
    },
  };
}

/** The text without comments and optional whitespace. */
function normalForm(name: string, body: string): string {
  try {
    parse(body, { noLocation: true });
    return stripIgnoredCharacters(body);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/**
 * Counts operations that are not in the list. In the mode `log` it also logs each of them, once for as long
 * as its document is kept.
 */
export function watchSafelist(
  safelist: Safelist,
  metrics: Pick<GatewayMetrics, "notInSafelist">,
): ApolloServerPlugin<RequestContext> {
  const listed = new WeakMap<DocumentNode, boolean>();
  const listener: GraphQLRequestListener<RequestContext> = {
    async didResolveOperation({ document, operation, source, operationName, queryHash, contextValue }) {
      // A refused request has no operation and no document of its own. `didEncounterErrors` counts it.
      if (safelist.mode === "enforce" || !operation) return;
      const known = listed.get(document);
      const isListed = known ?? safelist.has(source);
      listed.set(document, isListed);
      if (isListed) return;
      metrics.notInSafelist();
      if (known === undefined) {
        contextValue.log.warn({ operationName, hash: queryHash }, "an operation is not in the safelist");
      }
    },
    async didEncounterErrors({ errors }) {
      const code: ErrorCode = "OPERATION_NOT_IN_SAFELIST";
      if (errors.some(({ extensions }) => extensions.code === code)) metrics.notInSafelist();
    },
  };
  return { requestDidStart: async () => listener };
}
