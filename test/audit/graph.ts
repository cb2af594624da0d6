/** A small federated graph with questions, and how its subgraphs are served. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buildSubgraphSchema, type GraphQLResolverMap } from "@apollo/subgraph";
import { compose } from "@teranga/schema/compose.ts";
import { execute, parse } from "graphql";

export interface AuditSubgraph {
  sdl: string;
  resolvers: GraphQLResolverMap<unknown>;
}

/** Either: null where null may not be is told among the errors by ours, and beside them by stock. */
type Errors = boolean | "either";

export interface AuditCase {
  /** What the question is there for. */
  shows: string;
  query: string;
  variables?: Record<string, unknown>;
  /** Where it is left out, the data that stock answers is right, and not all of it null. */
  expected?: { data: unknown };
  /** Whether there are errors; none by default. */
  errors?: Errors;
  /** Who is known to answer otherwise than expected, and why. A gateway that no longer does fails the test, so the note goes. */
  differs?: Partial<Record<"ours" | "stock", string>>;
}

export interface AuditGraph {
  subgraphs: Record<string, AuditSubgraph>;
  cases: readonly AuditCase[];
}

/** The head of a subgraph's SDL. @param names what it imports from the federation spec, without the at sign */
export function link(...names: string[]): string {
  const imports = names.map((name) => `"@${name}"`).join(", ");
  return `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [${imports}])\n`;
}

/** A row by the value of one of its fields. */
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
