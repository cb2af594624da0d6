/**
 * Goal: every fault of an HTTP request is reported in GraphQL's form, as the client's mistake. Method: bytes
 * on a socket.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Door, startDoor } from "./fixture/door.ts";

let door: Door;
beforeAll(async () => {
  door = await startDoor();
});
afterAll(() => door.close());

/** The answer up to the end of the connection. */
function send(text: string): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(door.port, "127.0.0.1", () => socket.write(text, "latin1"));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += String(chunk);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), head, body });
    });
  });
}

const LONG = "a".repeat(20_000);
const BODY = '{"query":"{ secret }"}';

interface Parts {
  line?: string;
  host?: string;
  type?: string;
  body?: string;
  length?: string;
  more?: string;
}

function post({
  line = "POST /graphql HTTP/1.1",
  host = "Host: localhost\r\n",
  type = "application/json",
  body = BODY,
  length = `content-length: ${Buffer.byteLength(body)}`,
  more = "",
}: Parts): string {
  return `${line}\r\n${host}content-type: ${type}\r\n${length}\r\nconnection: close\r\n${more}\r\n${body}`;
}

test("a refusal names what is wrong", async () => {
  const messageOf = async (parts: Parts) => JSON.parse((await send(post(parts))).body).errors[0].message;
  expect(await messageOf({ more: "Content-Encoding: gzip\r\n" })).toMatch("Content-Encoding");
  expect(await messageOf({ type: 'application/json; charset="latin1"' })).toMatch("charset");
  expect(await messageOf({ type: "application/cbor" })).toMatch("Content-Type");
  expect(await messageOf({ body: '{"__proto__": 1}' })).toMatch("__proto__");
});

test("what names its encoding in other words is read", async () => {
  const type = 'application/json; charset="UTF-8"';
  const { status } = await send(post({ type, more: "Content-Encoding: identity\r\n" }));
  expect(status).toBe(200);
});

test.each([
  ["no HTTP", "hello\r\n\r\n", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["another version of HTTP", "GET /graphql HTTP/3.7\r\n\r\n", 400],
  ["an unknown method", post({ line: "FOO /graphql HTTP/1.1" }), 400],
  ["a method that GraphQL has no use for", post({ line: "PUT /graphql HTTP/1.1" }), 405],
  ["a header that is too long", post({ more: `x-a: ${LONG}\r\n` }), 431],
  ["a path that is too long", `GET /${LONG} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
  ["a long path that is none", post({ line: `GET /%${"z".repeat(10_000)} HTTP/1.1` }), 400],
  ["an unknown path", post({ line: "POST /nowhere HTTP/1.1" }), 404],
  ["a control character in a header", post({ more: "x-b: a\x01b\r\n" }), 400],
  ["no Host", post({ host: "" }), 400],
  ["a Host that is none", post({ host: "Host: [\r\n" }), 400],
  ["a Host with a space", post({ host: "Host: a b:999999\r\n" }), 400],
  ["two Hosts", post({ more: "Host: other.example\r\n" }), 400],
  ["a compressed body", post({ more: "Content-Encoding: gzip\r\n" }), 415],
  ["an unknown coding", post({ more: "Content-Encoding: identity, x\r\n" }), 415],
  ["another charset", post({ type: "application/json; charset=utf-16" }), 415],
  ["another transfer coding", post({ length: "transfer-encoding: gzip, chunked", body: "0\r\n\r\n" }), 400],
  ["a preflight that is none", post({ line: "OPTIONS /graphql HTTP/1.1" }), 405],
  ["a new method", post({ line: "QUERY /graphql HTTP/1.1" }), 405],
  ["a URL that is none", post({ line: "POST http://[/graphql HTTP/1.1" }), 400],
  ["a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405],
  ["an expectation that nobody knows", post({ more: "Expect: 200-ok\r\n" }), 417],
  ["a length that is none", "POST /graphql HTTP/1.1\r\nHost: a\r\ncontent-length: abc\r\n\r\n", 400],
  [
    "two lengths",
    "POST /graphql HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
    400,
  ],
  ["JSON that is none", post({ body: "{" }), 400],
  ["no body", post({ body: "" }), 400],
  ["a batch", post({ body: `[${BODY}]` }), 400],
  ["a body that is no object", post({ body: "null" }), 400],
  ["a body with a prototype", post({ body: '{"__proto__": 1}' }), 400],
  ["a type that is no JSON", post({ type: "text/plain" }), 400],
  ["a type that nobody reads", post({ type: "application/cbor" }), 415],
  ["a type that is none", post({ type: 'x/y; charset="a' }), 415],
])("%s", async (_, text, status) => {
  const answer = await send(text);
  expect(answer.head).toMatch(/content-type: application\/(graphql-response\+)?json/i);
  expect(answer.body.length).toBeLessThan(1_000);
  const { errors, ...rest } = JSON.parse(answer.body);
  expect(rest).toEqual({});
  expect(errors).toEqual([{ message: expect.any(String), extensions: { code: "BAD_REQUEST" } }]);
  expect(answer.status).toBe(status);
  expect(door.lines.filter(({ level }) => (level as number) > 30)).toEqual([]);
});
