/**
 * A GraphQL server that costs hardly more than plain HTTP: it computes each answer once, and then looks it up
 * by the request's body.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { execute, type GraphQLSchema, parse } from "graphql";

export interface AnswerServerOptions {
  /** The schema that answers at a path; undefined if none does. */
  at(path: string): { schema: GraphQLSchema; context?: unknown } | undefined;
  /** The root value of each execution. */
  rootValue?: unknown;
  /** Called for each request before it is answered; holds the answer back until it resolves. */
  before?(path: string, body: string): Promise<void> | undefined;
}

/** No sound gateway sends this many different bodies, and a broken one must not fill the memory. */
const ANSWERS_MAX = 20_000;

/**
 * Listens on loopback.
 * @param port 0 takes a free port
 */
export async function startAnswerServer(
  { at, before, rootValue }: AnswerServerOptions,
  port = 0,
): Promise<{ server: Server; port: number }> {
  const answers = new Map<string, Map<string, Buffer>>();
  let size = 0;

  const compute = async (path: string, body: string): Promise<Buffer | undefined> => {
    const place = at(path);
    if (!place) return undefined;
    const { query, variables } = JSON.parse(body) as { query: string; variables?: Record<string, unknown> };
    const { schema, context } = place;
    const result = await execute({
      schema,
      document: parse(query),
      variableValues: variables,
      contextValue: context,
      rootValue,
    });
    return Buffer.from(JSON.stringify(result));
  };
  const answer = async (request: IncomingMessage, body: string, response: ServerResponse) => {
    const path = request.url!;
    await before?.(path, body);
    const known = answers.get(path) ?? new Map<string, Buffer>();
    let text = known.get(body);
    if (!text) {
      text = await compute(path, body);
      if (!text) return void response.writeHead(404).end();
      if (size++ < ANSWERS_MAX) answers.set(path, known.set(body, text));
    }
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void answer(request, Buffer.concat(chunks).toString(), response));
  });
  // Only the gateways close connections.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}
