/** What a caller learns of a request that went wrong: whether the other side may have acted on it. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createTransport, type TransportError } from "./transport.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

function transport() {
  const made = createTransport({ credential: "secret", deadlineMs: 300 });
  closers.push(() => made.close());
  return made;
}

test("a request carries the credential, and its answer comes back", async () => {
  const url = await serve((request, response) => {
    response.end(JSON.stringify({ data: { authorization: request.headers.authorization } }));
  });
  expect(await transport().send(url, { query: "{ x }" })).toEqual({
    data: { authorization: "Bearer secret" },
  });
});

test.each<[string, RequestListener, TransportError["effect"]]>([
  ["HTML", (_, response) => response.end("<html>"), "unknown"],
  ["half a JSON", (_, response) => response.end('{"data": {'), "unknown"],
  ["JSON that is no answer", (_, response) => response.end("[1, 2]"), "unknown"],
  ["a 500 without a body", (_, response) => response.writeHead(500).end(), "unknown"],
  ["a cut connection", (request) => request.socket.destroy(), "unknown"],
  ["silence", () => {}, "unknown"],
  ["a refusal of the credential", (_, response) => response.writeHead(401).end('{"errors": []}'), "refused"],
])("after %s the effect is %s", async (_name, listener, effect) => {
  const url = await serve(listener);
  await expect(transport().send(url, { query: "{ x }" })).rejects.toMatchObject({
    name: "TransportError",
    effect,
  });
});

test("a connection that is refused has no effect", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const sent = transport().send(`http://127.0.0.1:${port}/graphql`, { query: "{ x }" });
  await expect(sent).rejects.toMatchObject({ effect: "refused" });
});
