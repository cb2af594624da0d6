/**
 * Goal: errors of services that are not ours pass unchanged, and only services that a topology names must
 * keep to our codes. Method: one service behind two gateways with one supergraph.
 */
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { compose } from "@teranga/schema/compose.ts";
import { afterEach, expect, test } from "vitest";
import { type FaultyService, startFaultyService } from "./fixture/faulty-service.ts";
import { ask, log } from "./fixture/library.ts";
import { startGateway } from "./gateway.ts";
import type { GraphSource } from "./live/graph-watch.ts";

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3") type Query { a: Int b: Int! }`;
const supergraphOf = (url: string) => compose([{ name: "other", url, sdl: SDL }]).supergraphSdl;

let service: FaultyService | undefined;
afterEach(() => service?.close());

async function errorsOf(answer: unknown, isOurs: boolean, query = "{ a }") {
  service = await startFaultyService(() => answer);
  const topology = parseTopology(JSON.stringify({ subgraphs: { other: { replicas: [service.url] } } }));
  const supergraphSdl = supergraphOf(service.url);
  const source: GraphSource = { kind: "supergraph", supergraphSdl, ...(isOurs && { topology }) };
  const gateway = await startGateway({ source, port: 0, log });
  const { errors } = await ask(gateway.url, query);
  await gateway.close();
  return errors;
}

const said = (extensions?: object) => ({
  data: { a: null },
  errors: [{ message: "Not for you", path: ["a"], ...(extensions && { extensions }) }],
});

test.each(["RATE_LIMITED", "INTERNAL_SERVER_ERROR", "UNKNOWN_ERROR"])(
  "a foreign service's error of the code %s passes as it is, without its stack",
  async (code) => {
    const answer = said({ code, role: "guest", stacktrace: ["at x.js:1"] });
    expect(await errorsOf(answer, false)).toEqual([
      { message: "Not for you", path: ["a"], extensions: { code, role: "guest" } },
    ]);
    await service!.close();
    expect(await errorsOf(answer, true)).toEqual([
      {
        message: expect.not.stringContaining("Not for you"),
        path: ["a"],
        extensions: { code: "INTERNAL_SERVER_ERROR" },
      },
    ]);
  },
);

test("a foreign service's error without a code keeps its words", async () => {
  expect(await errorsOf(said(), false)).toMatchObject([{ message: "Not for you", path: ["a"] }]);
});

test("a value that does not fit is an error of the gateway's, whoever sent it", async () => {
  const errors = await errorsOf({ data: { a: "no number", b: 1 } }, false, "{ a b }");
  expect(errors).toMatchObject([{ path: ["a"], extensions: { code: "INTERNAL_SERVER_ERROR" } }]);
});
