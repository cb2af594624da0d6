/** How an answer is read: its content coding, its status, and bodies that are no GraphQL answer. */
import zlib from "node:zlib";
import { expect, test } from "vitest";
import { serve, transport } from "../../test/http-endpoint.ts";
import { NOTE_LENGTH_MAX } from "./answer-notes.ts";

/** A low quality is quick. The usual one takes seconds for a bomb. */
const brotli = (bytes: Buffer) =>
  zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 2 } });

const gzipped = (bytes: Buffer | string) => zlib.gzipSync(bytes);

const CODERS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  "X-GZIP": zlib.gzipSync,
  br: brotli,
  deflate: zlib.deflateSync,
  "deflate, bare": zlib.deflateRawSync,
  zstd: zlib.zstdCompressSync,
  identity: (bytes) => bytes,
  "gzip, br": (bytes) => brotli(zlib.gzipSync(bytes)),
};

/** Answers with a body in a content coding and no length. */
const encoded = (coding: string, body: Buffer, status = 200) =>
  serve((_, response) => response.writeHead(status, { "content-encoding": coding }).end(body));

test.each(Object.keys(CODERS))("an answer in the coding %s is decoded, also a refusal", async (name) => {
  const coding = name.replace(", bare", "");
  const coded = CODERS[name]!(Buffer.from('{"data": {"x": "é"}, "errors": [{"message": "m"}]}'));
  expect(await transport().send(await encoded(coding, coded), { query: "{ x }" })).toMatchObject({
    data: { x: "é" },
  });
  expect(await transport().send(await encoded(coding, coded, 403), { query: "{ x }" })).toMatchObject({
    errors: [{ message: "m", extensions: { code: "FORBIDDEN" } }],
  });
});

test.each(["gzip", "br", "deflate", "zstd", "gzip, br"])(
  "a bomb of %s is cut off while it is decoded",
  async (coding) => {
    const bomb = CODERS[coding]!(Buffer.alloc(40 * 1024 * 1024, " "));
    expect(bomb.length).toBeLessThan(100_000);
    const url = await encoded(coding, bomb);
    const sent = transport().send(url, { query: "{ x }" }, { deadlineMs: 10_000 });
    await expect(sent).rejects.toMatchObject({
      effect: "unknown",
      fault: "not-theirs",
      said: "its answer is too large",
    });
  },
);

test.each<[string, string, Buffer]>([
  ["a coding that nobody knows", "compress", Buffer.from("{}")],
  ["more codings than anybody uses", "gzip, gzip, gzip", gzipped(gzipped(gzipped('{"data": {}}')))],
  ["a coding that the body is not in", "gzip", Buffer.from('{"data": {}}')],
  ["half a body", "gzip", zlib.gzipSync('{"data": {}}').subarray(0, 20)],
])("%s is a useless answer", async (_, coding, body) => {
  const sent = transport().send(await encoded(coding, body), { query: "{ x }" });
  await expect(sent).rejects.toMatchObject({
    effect: "unknown",
    fault: "bad-answer",
    message: /gzip|coding/,
  });
});

test("services are not asked to compress, and a byte-order mark is no part of an answer", async () => {
  const url = await serve((request, response) => {
    response.end(`\ufeff${JSON.stringify({ data: { said: request.headers["accept-encoding"] } })}`);
  });
  expect(await transport().send(url, { query: "{ x }" })).toMatchObject({ data: { said: "identity" } });
});

test("errors of null are none", async () => {
  const url = await serve((_, response) => response.end('{"data": {"x": 1}, "errors": null}'));
  const answer = await transport().send(url, { query: "{ x }" });
  expect(answer).toMatchObject({ data: { x: 1 } });
  expect(answer).not.toHaveProperty("errors");
});

test("bytes that are not UTF-8 make an answer useless: its letters would reach the client as others", async () => {
  const latin1 = Buffer.from('{"data": {"x": "é"}}', "latin1");
  const url = await serve((_, response) => response.end(latin1));
  const sent = transport().send(url, { query: "{ x }" });
  await expect(sent).rejects.toMatchObject({ effect: "unknown", fault: "bad-answer" });
});

test.each([
  [302, "unknown"],
  [308, "refused"],
])("a redirect (%s) is told as one and not followed", async (status, effect) => {
  let requests = 0;
  const url = await serve((_, response) => {
    requests++;
    response.writeHead(status, { location: "/elsewhere" }).end("<html>");
  });
  await expect(transport().send(url, { query: "{ x }" })).rejects.toMatchObject({
    effect,
    message: `answered ${status}, a redirect to /elsewhere; it is not followed, the service's URL must be the final one`,
    said: "it answered with a redirect, which is not followed",
  });
  expect(requests).toBe(1);
});

test.each<[number, string, unknown]>([
  [
    401,
    '{"errors": [{"message": "Your token has expired."}]}',
    { message: "Your token has expired.", extensions: { code: "UNAUTHENTICATED" } },
  ],
  [
    403,
    '{"errors": [{"message": "No.", "extensions": {"code": "NOT_YOURS"}}]}',
    { message: "No.", extensions: { code: "NOT_YOURS" } },
  ],
  [401, "<html>", { extensions: { code: "UNAUTHENTICATED" } }],
  [403, "", { extensions: { code: "FORBIDDEN" } }],
])("a client's refusal by %s and the body %s is an answer", async (status, body, error) => {
  const url = await serve((_, response) => response.writeHead(status).end(body));
  const headers = { authorization: "Bearer of-the-client" };
  expect(await transport().send(url, { query: "{ x }" }, { headers })).toMatchObject({
    data: null,
    errors: [error],
  });
});

test.each<[number, string]>([
  [404, "not-theirs"],
  [429, "not-theirs"],
  [500, "bad-answer"],
  [502, "unable"],
  [503, "unable"],
  [504, "unable"],
  [505, "bad-answer"],
])("what %s says of the endpoint is %s", async (status, fault) => {
  const url = await serve((_, response) => response.writeHead(status).end("<html>"));
  await expect(transport().send(url, { query: "{ x }" })).rejects.toMatchObject({ effect: "unknown", fault });
});

test("a server that says that it is overloaded has carried out nothing; any other 503 may be of anything", async () => {
  const overloaded = { errors: [{ message: "m", extensions: { code: "OVERLOADED" } }] };
  const effectOf = async (body: unknown, status = 503) => {
    const url = await serve((_, response) => response.writeHead(status).end(JSON.stringify(body)));
    const error = await transport()
      .send(url, { query: "mutation { x }" })
      .then(String, (failure) => failure);
    return [error.effect, error.fault];
  };
  expect(await effectOf(overloaded)).toEqual(["refused", "unable"]);
  expect(await effectOf(overloaded, 500)).toEqual(["unknown", "bad-answer"]);
  expect(await effectOf({ ...overloaded, data: { x: 1 } })).toEqual(["unknown", "unable"]);
  expect(await effectOf({ errors: [...overloaded.errors, { message: "n" }] })).toEqual(["unknown", "unable"]);
  expect(await effectOf("busy")).toEqual(["unknown", "unable"]);
});

/** Answers with these headers, and a body that seems to say something of itself too. */
const noted = async (headers: Record<string, string | string[]>) => {
  const url = await serve((_, response) =>
    response.writeHead(200, headers).end('{"data": {}, "notes": {"positions": "catalog=1.1-1.9"}}'),
  );
  return (await transport().send(url, { query: "{ x }" })).notes;
};

test("an answer's headers say from where and when it is, and whether it may be kept", async () => {
  const headers = {
    "x-positions": "catalog=1.5-1.7",
    "x-read-from": "replica catalog-2",
    "cache-control": "max-age=60, public",
    "x-cache-tags": ["Product:7", "Product:8"],
  };
  expect(await noted(headers)).toEqual({
    positions: "catalog=1.5-1.7",
    readFrom: "replica catalog-2",
    cacheControl: "max-age=60, public",
    cacheTags: expect.stringMatching(/^Product:7, ?Product:8$/),
  });
  expect(await noted({})).toBeUndefined();
  expect(await noted({ "x-cache-tags": "Product:7" })).toBeUndefined();
});

test("a header that is too long says nothing, and an answer without its tags is not to be kept", async () => {
  const long = "x".repeat(NOTE_LENGTH_MAX + 1);
  expect(await noted({ "x-positions": long, "x-read-from": "primary stale" })).toEqual({
    readFrom: "primary stale",
  });
  expect(await noted({ "x-cache-tags": long, "cache-control": "max-age=60, public" })).toEqual({});
});
