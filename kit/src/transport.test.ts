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
  ["a 500 with an answer", (_, response) => response.writeHead(500).end('{"data": {}}'), "unknown"],
  ["neither data nor an error", (_, response) => response.end('{"errors": []}'), "unknown"],
  ["a refusal of the credential", (_, response) => response.writeHead(401).end('{"errors": []}'), "refused"],
])("after %s the effect is %s", async (_name, listener, effect) => {
  const url = await serve(listener);
  await expect(transport().send(url, { query: "{ x }" })).rejects.toMatchObject({
    name: "TransportError",
    effect,
  });
});

test.each([
  "null",
  '"text"',
  '{ "message": 1 }',
  '{ "message": "m", "path": "abc" }',
  '{ "message": "m", "path": ["_entities", -1] }',
  '{ "message": "m", "path": [0.5] }',
  '{ "message": "m", "path": [null] }',
  '{ "message": "m", "extensions": "x" }',
])("the error %s is not one, so there is no answer", async (error) => {
  const url = await serve((_, response) => response.end(`{ "data": {}, "errors": [${error}] }`));
  await expect(transport().send(url, { query: "{ x }" })).rejects.toMatchObject({ effect: "unknown" });
});

test("errors may lack a path and extensions, or have null there", async () => {
  const answer = { data: null, errors: [{ message: "a" }, { message: "b", path: null, extensions: null }] };
  const url = await serve((_, response) => response.end(JSON.stringify(answer)));
  expect(await transport().send(url, { query: "{ x }" })).toEqual(answer);
});

test("a connection that is refused has no effect", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const sent = transport().send(`http://127.0.0.1:${port}/graphql`, { query: "{ x }" });
  await expect(sent).rejects.toMatchObject({ effect: "refused" });
});
