/**
 * Goal: what instances of other versions say of a topology is heard as what it is. Method: instances made up
 * for it.
 */
import { expect, test } from "vitest";
import type { Send } from "../http/transport.ts";
import type { Partition } from "./topology.ts";
import { askPartition } from "./topology-agreement.ts";

const DAKAR = {
  id: "dakar",
  claims: ["Dakar"],
  isDefault: false,
  urls: ["http://one"],
} as unknown as Partition;
const UNKNOWN_FIELD = {
  data: null,
  errors: [{ message: "no such field", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }],
};

/** An instance of the version before, which does not know `follows`. */
const older = (verdict: object): Send =>
  (async (_: string, { query }: { query: string }) =>
    query.includes("follows") ? UNKNOWN_FIELD : { data: { topologyVerdict: verdict } }) as unknown as Send;

const starting = (send: Send) => askPartition(DAKAR, [DAKAR], send, "starts");

test("an older instance that refuses is heard by an instance that starts", async () => {
  const send = older({ keeps: false, refusal: "it has 3 clients of towns of others" });
  expect(await starting(send)).toEqual({ kind: "refuses", reason: "it has 3 clients of towns of others" });
});

test("an older instance that consents does not say which topology it goes by", async () => {
  expect(await starting(older({ keeps: true, refusal: null }))).toEqual({ kind: "keeps", follows: false });
  expect(await starting(older({ keeps: false, refusal: null }))).toEqual({ kind: "accepts", follows: false });
});

test("another implementation has no say", async () => {
  const send = (async () => UNKNOWN_FIELD) as unknown as Send;
  expect(await starting(send)).toEqual({ kind: "keeps", follows: true });
});
