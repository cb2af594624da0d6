/**
 * Goal: a request that its headers make unacceptable is refused before anything is carried out. Method: a
 * mutation at the door, and whether it ran.
 */
import { afterAll, expect, test } from "vitest";
import { startDoor } from "../fixture/door.ts";

const door = await startDoor();
afterAll(() => door.close());

const JSON_TYPE = "application/json";
const rename = { query: 'mutation { rename(name: "Awa") { name } }' };

async function send(headers: Record<string, string>, init: RequestInit = { body: JSON.stringify(rename) }) {
  const before = door.renamed();
  const response = await fetch(door.url, { method: "POST", headers, ...init });
  const type = response.headers.get("content-type")!.split(";")[0];
  return { status: response.status, type, body: await response.json(), ran: door.renamed() - before };
}

test.each([
  "text/event-stream",
  "multipart/mixed",
  "multipart/mixed; deferSpec=20220824",
  "text/html, application/xml;q=0.9",
  "application/json;q=0",
  "application/json; charset=latin1",
])("a mutation whose client accepts %s alone is not carried out", async (accept) => {
  const { ran, status, type, body } = await send({ "content-type": JSON_TYPE, accept });
  expect({ ran, status, type }).toEqual({ ran: 0, status: 406, type: JSON_TYPE });
  expect(body).toMatchObject({ errors: [{ extensions: { code: "BAD_REQUEST" } }] });
});

test.each(["*/*", "application/*", JSON_TYPE, "text/event-stream, application/graphql-response+json;q=0.1"])(
  "one whose client accepts %s is",
  async (accept) => {
    const { ran, status } = await send({ "content-type": JSON_TYPE, accept });
    expect({ ran, status }).toEqual({ ran: 1, status: 200 });
  },
);

test.each([
  ["a body that is not JSON", { "content-type": "text/plain" }],
  ["a body in a coding that is not known", { "content-type": JSON_TYPE, "content-encoding": "gzip" }],
  ["a charset that is not known", { "content-type": "application/json; charset=latin1" }],
])(
  "a mutation in %s is not carried out unless it is answered",
  async (_, headers: Record<string, string>) => {
    const { ran, status } = await send({ accept: JSON_TYPE, ...headers });
    expect({ ran, status }).toEqual(status === 200 ? { ran: 1, status } : { ran: 0, status });
  },
);
