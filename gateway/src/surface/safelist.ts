/**
 * The operations that a gateway runs when it runs nothing else: those of a manifest of persisted queries, in the format of Apollo's
 * tools, which `npm run generate` writes from our own clients' documents.
 */
import { readFile } from "node:fs/promises";
import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import { StartupError } from "@teranga/kit/config.ts";
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import { type DocumentNode, parse, print } from "graphql";
import { z } from "zod";
import type { GatewayContext } from "../request-context.ts";
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

/** `enforce`: any other operation is refused. `log`: it runs, and is logged. */
export type SafelistMode = "enforce" | "log";

export interface Safelist {
  mode: SafelistMode;
  /** The text of an id. */
  bodyOf(id: string): string | undefined;
  /** Whether it is an operation of the list, however it is laid out. */
  has(document: DocumentNode): boolean;
  operationNames: ReadonlySet<string>;
}

/** @throws StartupError with one line if the file cannot be read, is not such a manifest, or contradicts itself */
export async function readSafelist(file: string, mode: SafelistMode): Promise<Safelist> {
  try {
    return createSafelist(await readFile(file, "utf8"), mode);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartupError(`Safelist ${file}: ${code ?? message.split("\n")[0]}`);
  }
}

/** @param manifest its text. @throws Error saying what is wrong with it */
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
  const known = new WeakMap<DocumentNode, boolean>();
  return {
    mode,
    bodyOf: (id) => bodies.get(id),
    operationNames: names,
    has(document) {
      let isListed = known.get(document);
      if (isListed === undefined) {
        isListed = normalForms.has(print(document));
        known.set(document, isListed);
      }
      return isListed;
    },
  };
}

/** Without comments and however it was indented. */
function normalForm(name: string, body: string): string {
  try {
    return print(parse(body, { noLocation: true }));
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/** Refuses what is not in the list, or logs it: once for as long as its document is kept. */
export function keepToSafelist(
  safelist: Safelist,
  metrics: Pick<GatewayMetrics, "notInSafelist">,
): ApolloServerPlugin<GatewayContext> {
  const logged = new WeakSet<DocumentNode>();
  const listener: GraphQLRequestListener<GatewayContext> = {
    async didResolveOperation({ document, operationName, queryHash, contextValue }) {
      if (safelist.has(document)) return;
      metrics.notInSafelist();
      switch (safelist.mode) {
        case "enforce": {
          const code = "OPERATION_NOT_IN_SAFELIST";
          throw codedError(code, ERROR_CODES[code], { http: { status: 400 } });
        }
        case "log":
          if (logged.has(document)) return;
          logged.add(document);
          contextValue.log.warn({ operationName, hash: queryHash }, "an operation is not in the safelist");
          return;
        default:
          safelist.mode satisfies never;
      }
    },
  };
  return { requestDidStart: async () => listener };
}
