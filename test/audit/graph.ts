/** A small federated graph with its questions, and the servers of its subgraphs. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buildSubgraphSchema, type GraphQLResolverMap } from "@apollo/subgraph";
import { compose } from "@teranga/schema/compose.ts";
import { execute, parse } from "graphql";

export interface AuditSubgraph {
  sdl: string;
  resolvers: GraphQLResolverMap<unknown>;
}

/**
 * "either" is for a null where the schema allows none: our gateway reports it as an error, stock outside of
 * the errors.
 */
type Errors = boolean | "either";

export interface AuditCase {
  /** What the question demonstrates. */
  shows: string;
  query: string;
  variables?: Record<string, unknown>;
  /** The right answer. Without it, stock's data is taken as right; it must not be null as a whole. */
  expected?: { data: unknown };
  /** Whether the answer has errors; false by default. */
  errors?: Errors;
  /**
   * Why a gateway is known to give another answer. If it begins to give the expected one, the test fails, so
   * that the note is removed.
   */
  differs?: Partial<Record<"ours" | "stock", string>>;
}

export interface AuditGraph {
  subgraphs: Record<string, AuditSubgraph>;
  cases: readonly AuditCase[];
}

/**
 * The head of a subgraph's SDL.
 * @param names what it imports from the federation spec, without the at sign
 */
export function link(...names: string[]): string {
  const imports = names.map((name) => `"@${name}"`).join(", ");
  return `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [${imports}])\n`;
}

/** Finds a row by the value of one of its fields. */
export function by<Row extends object>(rows: readonly Row[], key: keyof Row & string) {
  return (reference: object) => rows.find((row) => row[key] === (reference as Row)[key]) ?? null;
}

export interface ServedGraph {
  supergraphSdl: string;
  close(): Promise<void>;
}

/** Serves each subgraph under its name as the path, by a real execution of each request. */
export async function serveGraph({ subgraphs }: AuditGraph): Promise<ServedGraph> {
  const schemas = new Map(
    Object.entries(subgraphs).map(([name, { sdl, resolvers }]) => {
      return [`/${name}`, buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }])];
    }),
  );
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { query, variables } = JSON.parse(Buffer.concat(chunks).toString());
    const schema = schemas.get(request.url!)!;
    const answer = await execute({ schema, document: parse(query), variableValues: variables });
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { supergraphSdl } = compose(
    Object.entries(subgraphs).map(([name, { sdl }]) => ({
      name,
      url: `http://127.0.0.1:${port}/${name}`,
      sdl,
    })),
  );
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { supergraphSdl, close };
}
