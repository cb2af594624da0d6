/** What a caller learns from a failed request: whether the other side may have acted on it. */
import { getEventListeners } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { closers, serve, transport } from "../../test/http-endpoint.ts";
import { createTransport, type TransportError } from "./transport.ts";

test("a request carries the credential, and its answer comes back", async () => {
  const url = await serve((request, response) => {
    response.end(JSON.stringify({ data: { authorization: request.headers.authorization } }));
  });
  expect(await transport().send(url, { query: "{ x }" })).toMatchObject({
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
  ["an interim answer only", (_, response) => response.writeProcessing(), "unknown"],
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
  expect(await transport().send(url, { query: "{ x }" })).toMatchObject(answer);
});

test("a connection that is refused has no effect", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const sent = transport().send(`http://127.0.0.1:${port}/graphql`, { query: "{ x }" });
  await expect(sent).rejects.toMatchObject({ effect: "refused", fault: "no-connection" });
});

test("the service is told what is left, and a body that is ready is sent as it is", async () => {
  const bodies: string[] = [];
  const url = await serve(async (request, response) => {
    for await (const chunk of request) bodies.push(String(chunk));
    response.end(JSON.stringify({ data: { left: request.headers["x-deadline-ms"] } }));
  });
  const { send } = transport();
  expect(await send(url, { query: "{ x }", variables: { a: 1 } })).toMatchObject({ data: { left: "300" } });
  expect(await send(url, { query: "{ x }", body: "ready" }, { deadlineMs: 1_234.5 })).toMatchObject({
    data: { left: "1234" },
  });
  expect(bodies).toEqual(['{"query":"{ x }","variables":{"a":1}}', "ready"]);
});

test("an answer comes whole, in however many pieces", async () => {
  const text = "é".repeat(200_000);
  const url = await serve(async (_, response) => {
    const bytes = Buffer.from(JSON.stringify({ data: { text } }));
    // Pieces of an odd length cut two-byte letters in half.
    for (let at = 0; at < bytes.length; at += 33_333) {
      response.write(bytes.subarray(at, at + 33_333));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  expect(await transport().send(url, { query: "{ x }" }, { deadlineMs: 5_000 })).toMatchObject({
    data: { text },
  });
});

test("an answer that is too large is cut off while it is read", async () => {
  let sentBytes = 0;
  const url = await serve((_, response) => {
    const piece = Buffer.alloc(1024 * 1024, " ");
    const go = () => {
      while (sentBytes < 100 * piece.length && !response.destroyed) {
        sentBytes += piece.length;
        if (!response.write(piece)) return response.once("drain", go);
      }
      return response.end();
    };
    go();
  });
  const sent = transport().send(url, { query: "{ x }" }, { deadlineMs: 10_000 });
  await expect(sent).rejects.toMatchObject({ effect: "unknown", fault: "not-theirs" });
  expect(sentBytes).toBeLessThan(60 * 1024 * 1024);
});

test("an answer that we held up, and then had no time for, is not the service's fault", async () => {
  const url = await serve((_, response) => void response.write('{"data": '));
  const reader = { read: () => new Promise<void>((resolve) => setTimeout(resolve, 50)) };
  const sent = transport().send(url, { query: "{ x }" }, { deadlineMs: 300, reader });
  await expect(sent).rejects.toMatchObject({ effect: "unknown", fault: "not-theirs" });
});

test("an answer that has begun, and takes too long, is no silence of the service", async () => {
  const url = await serve((_, response) => void response.write('{"data": '));
  const sent = transport().send(url, { query: "{ x }" }, { deadlineMs: 300 });
  await expect(sent).rejects.toMatchObject({
    effect: "unknown",
    fault: "unfinished",
    message: "did not end its answer within 300 ms",
  });
});

test.each<[string, RequestListener]>([
  ["its time is over", (_, response) => void response.write('{"data": ')],
  [
    "the service cuts it off",
    (_, response) => {
      response.write('{"data": ');
      setTimeout(() => response.destroy(), 50);
    },
  ],
])(
  "while we hold an answer up and %s, that is our want of room, and the reader is told",
  async (_, listener) => {
    const url = await serve(listener);
    let givenUp = 0;
    const reader = { read: () => new Promise<void>(() => {}), giveUp: () => givenUp++ };
    const sent = transport().send(url, { query: "{ x }" }, { deadlineMs: 300, reader });
    await expect(sent).rejects.toMatchObject({ effect: "unknown", fault: "no-room" });
    expect(givenUp).toBe(1);
  },
);

test("what never got a connection has certainly not left, and never does", async () => {
  const seen: unknown[] = [];
  const url = await serve((request, response) => {
    seen.push(request.headers["x-number"]);
    if (seen.length > 1) response.end('{"data": {}}');
  });
  const { send, close } = createTransport({ credential: "secret", connections: 1 });
  closers.push(close);
  const [first, second] = [200, 100].map((deadlineMs, index) =>
    send(url, { query: "mutation { x }" }, { deadlineMs, headers: { "x-number": String(index) } }),
  );
  await expect(second).rejects.toMatchObject({ effect: "refused", fault: "timeout" });
  await expect(first).rejects.toMatchObject({ effect: "unknown", fault: "timeout" });
  await send(url, { query: "{ x }" }, { headers: { "x-number": "2" } });
  expect(seen).toEqual(["0", "2"]);
});

test("a request that took too long gives its connection up", async () => {
  let requests = 0;
  const url = await serve((_, response) => {
    if (++requests > 1) response.end(JSON.stringify({ data: { number: requests } }));
  });
  const { send, close } = createTransport({ credential: "secret", connections: 1 });
  closers.push(close);
  await expect(send(url, { query: "{ x }" }, { deadlineMs: 100 })).rejects.toMatchObject({
    fault: "timeout",
  });
  expect(await send(url, { query: "{ x }" }, { deadlineMs: 2_000 })).toMatchObject({ data: { number: 2 } });
});

test("what is called off ends at once", async () => {
  const off = new AbortController();
  // Aborts when the request has arrived. A request that is aborted before it leaves is refused.
  const url = await serve(() => off.abort());
  const { send } = transport();
  const sent = send(url, { query: "{ x }" }, { deadlineMs: 20_000, signal: off.signal });
  await expect(sent).rejects.toMatchObject({ effect: "unknown", message: "was called off" });
  await expect(send(url, { query: "{ x }" }, { signal: off.signal })).rejects.toMatchObject({
    effect: "refused",
  });
});

test("a header that cannot be one is nobody's fault but ours", async () => {
  const url = await serve((_, response) => response.end('{"data": {}}'));
  const sent = transport().send(url, { query: "{ x }" }, { headers: { "x-any": "a\nb" } });
  await expect(sent).rejects.toMatchObject({ effect: "refused", fault: "not-theirs" });
});

test("a signal that lives on keeps nothing of the requests that it could have called off", async () => {
  const url = await serve((request, response) => {
    if (request.headers["x-cut"]) request.socket.destroy();
    else response.end('{"data": {}}');
  });
  const { send } = transport();
  const { signal } = new AbortController();
  for (let time = 0; time < 20; time++) {
    await send(url, { query: "{ x }" }, { signal });
    await expect(send(url, { query: "{ x }" }, { signal, headers: { "x-cut": "1" } })).rejects.toThrow();
  }
  await expect(send("http://127.0.0.1:1", { query: "{ x }" }, { signal })).rejects.toThrow();
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("after it is closed nothing leaves", async () => {
  const url = await serve((_, response) => response.end('{"data": {}}'));
  const { send, close } = createTransport({ credential: "secret" });
  await close();
  await expect(send(url, { query: "{ x }" })).rejects.toMatchObject({
    effect: "refused",
    fault: "not-theirs",
  });
});

test("closing does not wait for a service that hangs", async () => {
  const hasCome = Promise.withResolvers<void>();
  const url = await serve(() => hasCome.resolve());
  const closed = createTransport({ credential: "secret", deadlineMs: 60_000 });
  const asked = expect(closed.send(url, { query: "{ x }" })).rejects.toMatchObject({ effect: "unknown" });
  await hasCome.promise;
  await closed.close();
  await asked;
});
