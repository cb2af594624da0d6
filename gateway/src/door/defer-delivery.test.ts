/**
 * Goal: a client gets an answer in parts in the format that it asks for, by the same rules as any answer.
 * Method: a whole gateway over the library, asked by HTTP, and the chunks as they arrive.
 */
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Library } from "../fixture/library.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { onThisThread } from "../ground/turns.ts";
import { surfaceOf } from "./surface.ts";

const OF_2022 = "multipart/mixed;deferSpec=20220824,application/json";
const ANNOUNCED = "multipart/mixed;incrementalSpec=v0.2,application/json";

/** The deadline of a fetch. Long enough for a busy machine, and one test waits for all of it. */
const DEADLINE_MS = 1_500;

let library: Library;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  library = await Library.start({
    surface: { ...surfaceOf("development"), limits: { ...DEFAULT_LIMITS, costMax: 500 } },
    log: createLogger("test", "info", { write: (line) => void lines.push(JSON.parse(line)) }),
    deadlineMs: DEADLINE_MS,
  });
});
afterAll(() => library.close());
afterEach(() => {
  lines.length = 0;
});

async function send(
  query: string,
  accept = OF_2022,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  const answer = await fetch(library.gateway.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept, ...headers },
    body: JSON.stringify({ query }),
    ...(signal && { signal }),
  });
  return { answer, chunks: chunksOf(answer) };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look at parts of every shape
type Part = any;

/** The parts of a multipart body, as they arrive. */
async function* chunksOf({ body }: Response): AsyncGenerator<Part> {
  let text = "";
  for await (const bytes of body!.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const parts = text.split("\r\n---");
    text = parts.pop()!;
    for (const part of parts) if (part.includes("{")) yield JSON.parse(part.slice(part.indexOf("{")));
  }
}

async function allOf(chunks: AsyncGenerator<Part>): Promise<Part[]> {
  const all: Part[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

const requestLines = (operation: string) =>
  lines.filter((line) => line.msg === "request" && line.operation === operation);

test("in the format of 2022 a part has its path and its label", async () => {
  const query = `{ reader(id: "north:1") { name ... @defer(label: "more") { greetings bestFriend { name } } } }`;
  const { answer } = await send(query);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe('multipart/mixed; boundary="-"; deferSpec=20220824');
  expect(await answer.text()).toBe(
    [
      "\r\n---\r\ncontent-type: application/json; charset=utf-8\r\n\r\n",
      '{"data":{"reader":{"name":"north reader 1"}},"hasNext":true}\r\n---\r\n',
      "content-type: application/json; charset=utf-8\r\n\r\n",
      '{"incremental":[{"data":{"greetings":0,"bestFriend":{"name":"south reader 1"}},"path":["reader"],"label":"more"}],"hasNext":false}',
      "\r\n-----\r\n",
    ].join(""),
  );
});

test("in the format after it places are announced and completed", async () => {
  const query = `{ branches { id ... @defer(label: "a") { name ... @defer { readers(first: 1) { name } } } } }`;
  const { answer, chunks } = await send(query, ANNOUNCED);
  expect(answer.headers.get("content-type")).toBe('multipart/mixed; boundary="-"; incrementalSpec=v0.2');
  const [first, ...rest] = await allOf(chunks);
  expect(first).toEqual({
    data: { branches: [{ id: "north" }, { id: "south" }, { id: "west" }] },
    pending: [0, 1, 2].map((at) => ({ id: String(at), path: ["branches", at], label: "a" })),
    hasNext: true,
  });
  const all = (name: string) => rest.flatMap((part) => part[name] ?? []);
  expect(all("pending")).toEqual([0, 1, 2].map((at) => ({ id: String(at + 3), path: ["branches", at] })));
  expect(all("completed")).toEqual([0, 1, 2, 3, 4, 5].map((id) => ({ id: String(id) })));
  expect(all("incremental").map(({ id, data }: Part) => [id, Object.keys(data)[0]])).toEqual(
    ["0", "1", "2", "3", "4", "5"].map((id, at) => [id, at < 3 ? "name" : "readers"]),
  );
  expect(rest.map(({ hasNext }) => hasNext)).toEqual([...rest.slice(1).map(() => true), false]);
});

test.each(["application/json", "*/*", "multipart/mixed, application/json"])(
  "who accepts %s gets all at once",
  async (accept) => {
    const { answer } = await send(`{ reader(id: "north:1") { name ... @defer { greetings } } }`, accept);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({ data: { reader: { name: "north reader 1", greetings: 0 } } });
  },
);

test("a branch that hangs does not hold up the first part, and is told in the part that lacks it", async () => {
  await library.stopBranch("south");
  await library.silence("south");
  const query = `query Hang { reader(id: "north:1") { name ... @defer { bestFriend { name } } } }`;
  const { chunks } = await send(query);
  expect((await chunks.next()).value).toEqual({
    data: { reader: { name: "north reader 1" } },
    hasNext: true,
  });
  expect(requestLines("Hang")).toEqual([]);
  await library.endSilence();
  const rest = await allOf(chunks);
  expect(rest).toEqual([
    {
      incremental: [
        {
          data: { bestFriend: null },
          path: ["reader"],
          errors: [
            {
              message: 'The branch "south" is unavailable.',
              path: ["reader", "bestFriend"],
              extensions: { code: "BRANCH_UNAVAILABLE", branch: "south" },
            },
          ],
        },
      ],
      hasNext: false,
    },
  ]);
  await vi.waitFor(() => expect(requestLines("Hang")).toHaveLength(1));
  expect(requestLines("Hang")).toMatchObject([
    { outcome: "partial", status: 200, errors: { BRANCH_UNAVAILABLE: 1 } },
  ]);
  // The client did not ask for the fields that `total` requires.
  const [, total] = await allOf((await send(`{ book(isbn: "100") { title ... @defer { total } } }`)).chunks);
  expect(total.incremental).toMatchObject([
    { data: { total: 4 }, path: ["book"], errors: [{ path: ["book"] }] },
  ]);
  await library.startBranch("south");
});

test("a part whose service never answers ends by its deadline, and the answer with it", async () => {
  await library.stopBranch("south");
  await library.silence("south");
  const query = `{ reader(id: "north:1") { name ... @defer { bestFriend { name } } } }`;
  const [first, ...rest] = await allOf((await send(query)).chunks);
  expect(first).toEqual({ data: { reader: { name: "north reader 1" } }, hasNext: true });
  const errors = [{ path: ["reader", "bestFriend"], extensions: { code: "BRANCH_UNAVAILABLE" } }];
  const incremental = [{ data: { bestFriend: null }, path: ["reader"], errors }];
  expect(rest).toMatchObject([{ incremental, hasNext: false }]);
  await library.endSilence();
  await library.startBranch("south");
});

test("a client that goes away is told of once, and leaves nothing behind", async () => {
  await library.stopBranch("south");
  await library.silence("south");
  const client = new AbortController();
  const query = `query Gone { reader(id: "north:1") { name ... @defer { bestFriend { name } ... @defer { greetings } } } }`;
  const { chunks } = await send(query, OF_2022, {}, client.signal);
  await chunks.next();
  client.abort();
  await expect(chunks.next()).rejects.toThrow();
  await vi.waitFor(() => expect(requestLines("Gone")).toMatchObject([{ outcome: "aborted", status: 499 }]));
  await library.endSilence();
  await library.startBranch("south");
  expect((await library.ask(`{ reader(id: "south:1") { name } }`)).errors).toBeUndefined();
  expect(requestLines("Gone")).toHaveLength(1);
});

test("a client that goes before the first part is no fault", async () => {
  await library.stopBranch("south");
  await library.silence("south");
  const client = new AbortController();
  const query = `query Early { reader(id: "south:1") { name ... @defer { bestFriend { name } } } }`;
  library.requests = [];
  const sent = send(query, OF_2022, {}, client.signal);
  await vi.waitFor(() => expect(library.requests).not.toEqual([]));
  client.abort();
  await expect(sent).rejects.toThrow();
  await vi.waitFor(() => expect(requestLines("Early")).toMatchObject([{ outcome: "aborted" }]));
  await library.endSilence();
  await library.startBranch("south");
  expect(lines.filter(({ level }) => (level as number) >= 50)).toEqual([]);
});

test("what is deferred keeps to the limits, and labels tell fragments apart", async () => {
  const codeOf = async (query: string) => {
    const { answer } = await send(query);
    const { errors } = (await answer.json()) as Part;
    return [
      answer.headers.get("content-type")?.split(";")[0],
      errors.map(({ extensions }: Part) => extensions.code),
    ];
  };
  const friends = "friends { friends { friends { name } } }";
  const refused = (code: string) => ["application/json", [code]];
  expect(await codeOf(`{ reader(id: "north:1") { id ... @defer { ${friends} } } }`)).toEqual(
    refused("OPERATION_LIMIT_EXCEEDED"),
  );
  const twice = `{ reader(id: "north:1") { ... @defer(label: "a") { id } ... @defer(label: "a") { name } } }`;
  expect(await codeOf(twice)).toEqual(refused("GRAPHQL_VALIDATION_FAILED"));
  const variable = `query ($l: String) { reader(id: "north:1") { ... @defer(label: $l) { id } } }`;
  expect(await codeOf(variable)).toEqual(refused("GRAPHQL_VALIDATION_FAILED"));
  expect(await codeOf(`query ($r: ID!) { reader(id: $r) { id ... @defer { name } } }`)).toEqual(
    refused("BAD_USER_INPUT"),
  );
});

test("an answer that is explained comes at once", async () => {
  const { answer } = await send(`{ reader(id: "north:1") { name ... @defer { greetings } } }`, OF_2022, {
    "x-explain": "true",
  });
  const { data, extensions } = (await answer.json()) as Part;
  expect(data).toEqual({ reader: { name: "north reader 1", greetings: 0 } });
  expect(extensions.explain.fetches).toHaveLength(1);
});

test("an operation that too many go before is refused, and does not wait again as a whole", async () => {
  // The text and the whole operation are known, but its parts are not compiled yet.
  const query = `{ reader(id: "north:1") { id ... @defer { name } } }`;
  const whole = await send(query, "application/json");
  expect(whole.answer.status).toBe(200);
  await whole.answer.text();
  const held = Promise.withResolvers<void>();
  const work = Array.from({ length: 65 }, () => onThisThread.next(0, () => held.promise));
  const { answer } = await send(query);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "OVERLOADED" } }] });
  held.resolve();
  await Promise.all(work);
});
