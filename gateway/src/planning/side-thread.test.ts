import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { createLogger } from "@teranga/kit/process/log.ts";
import { GraphQLError, parse } from "graphql";
import { afterEach, expect, test, vi } from "vitest";
import { asking } from "../fixture/engine.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { readSupergraph } from "../ground/supergraph.ts";
import { createSources } from "../sources/create-sources.ts";
import { Graph } from "./graph.ts";
import { SideThread } from "./side-thread.ts";

const sdl = readFileSync(new URL("../../../schema/generated/supergraph.graphql", import.meta.url), "utf8");
const supergraph = readSupergraph(sdl);
const graph = new Graph(supergraph, createSources(supergraph, new Map()));
const terms = { limits: DEFAULT_LIMITS, hidesSchema: true };

/** Products with their cities. */
const products = (count: number) =>
  `{ ${Array.from({ length: count }, (_, at) => `p${at}: product(id: "${at}") { id stock { city { name } } }`).join(" ")} }`;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a large operation is planned on the side thread, a small one at once; the plans are the same", async () => {
  const aside = vi.spyOn(SideThread.prototype, "plan");
  await graph.operation(asking(products(3)));
  expect(aside).not.toHaveBeenCalled();
  const large = asking(products(50));
  await Promise.all([graph.operation(large), graph.operation(large)]);
  expect(aside).toHaveBeenCalledTimes(1);
  await expect(aside.mock.results[0]!.value).resolves.toEqual(
    JSON.parse(JSON.stringify(graph.planOf(large))),
  );
});

test("what is wrong with a text is told as it would be here", async () => {
  const [error, ...more] = await graph.sideThread.validate(`{\n  cites { name } }`, terms);
  expect(more).toEqual([]);
  expect(error).toBeInstanceOf(GraphQLError);
  expect(error!.toJSON()).toEqual({
    message: 'Cannot query field "cites" on type "Query".',
    locations: [{ line: 2, column: 3 }],
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", http: { status: 400 } },
  });
  expect(await graph.sideThread.validate("{ cities { name } }", terms)).toEqual([]);
});

test("a refusal keeps its class, and the thread goes on", async () => {
  const refused = graph.sideThread.validate("{ cities", terms);
  await expect(refused).rejects.toBeInstanceOf(GraphQLError);
  await expect(graph.sideThread.plan(parse("{ cities { name } }"))).resolves.toMatchObject({
    kind: "QueryPlan",
  });
});

let nowMs = 0;

/** Each answer tells which thread gave it. Some texts break the thread. */
const HARMED = `
  import { parentPort, threadId } from "node:worker_threads";
  parentPort.on("message", ({ text }) => {
    parentPort.postMessage({ kind: "begun" });
    if (text === "break") throw new Error("broken");
    if (text === "hang") for (;;);
    if (text === "fill") for (const kept = []; ; ) kept.push(new Array(10_000).fill(text));
    parentPort.postMessage({ kind: "validated", errors: [{ message: String(threadId) }] });
    if (text === "answer and break") setImmediate(() => { throw new Error("broken while nobody waits"); });
  });
`;

function startThread(source = HARMED) {
  const program = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const logged = Promise.withResolvers<string>();
  const log = createLogger("test", "error", {
    write: (line) => logged.resolve(JSON.parse(line).err.message),
  });
  const thread = new SideThread("", { program, heapMb: 16, log, nowMs: () => nowMs });
  /** The id of the thread that answers. */
  const ask = async (text: string) => (await thread.validate(text, terms))[0]!.message;
  return { ask, logged: logged.promise };
}

test.each([
  ["break", "broken"],
  ["fill", "The operation takes 17 MB or more to validate or to plan; 16 are allowed."],
])(
  "what breaks the thread (%s) fails alone: who waits behind it is answered by another one",
  async (text, why) => {
    const { ask } = startThread();
    const first = await ask("");
    const broken = ask(text);
    const next = ask("a longer one, so the last");
    await expect(broken).rejects.toThrow(why);
    const second = await next;
    expect(second).not.toBe(first);
    expect(await ask("another")).toBe(second);
  },
);

test("so does what takes longer than a request may", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { ask } = startThread();
  const first = await ask("");
  const hanging = ask("hang");
  vi.advanceTimersByTime(15_000);
  await expect(hanging).rejects.toMatchObject({
    message: "The operation takes 15001 ms or more to validate or to plan; 15000 are allowed.",
    extensions: { code: "OPERATION_LIMIT_EXCEEDED" },
  });
  expect(await ask("another")).not.toBe(first);
});

test("what came to nothing is not tried again for a while, and everything else is", async () => {
  const { ask } = startThread();
  const tried = vi.spyOn(Worker.prototype, "postMessage");
  const textsTried = () => tried.mock.calls.map(([order]) => order.text);
  const both = await Promise.allSettled([ask("break"), ask("break")]);
  expect(both).toMatchObject([{ reason: { message: "broken" } }, { reason: { message: "broken" } }]);
  await expect(ask("break")).rejects.toThrow("broken");
  expect(textsTried()).toEqual(["break"]);
  await ask("something else");
  nowMs += 60_000;
  await expect(ask("break")).rejects.toThrow("broken");
  expect(textsTried()).toEqual(["break", "something else", "break"]);
});

test("a thread that breaks while nobody waits for it is a line in the log, and another one answers", async () => {
  const { ask, logged } = startThread();
  const first = await ask("answer and break");
  expect(await logged).toBe("broken while nobody waits");
  expect(await ask("")).not.toBe(first);
});

test("a thread that cannot begin says why, and the same piece is tried again at once", async () => {
  const { ask } = startThread("throw new Error('no room left')");
  const tried = vi.spyOn(Worker.prototype, "postMessage");
  const [first, second] = [ask("a"), ask("b")];
  await expect(first).rejects.toThrow("no room left");
  await expect(second).rejects.toThrow("no room left");
  await expect(ask("a")).rejects.toThrow("no room left");
  expect(tried.mock.calls.map(([order]) => order.text)).toEqual(["a", "b", "a"]);
});
