/**
 * Goal: a service believes who asks only if a holder of its credential said so, to it, a short time ago.
 * Method: real signatures, and a clock that the test moves.
 */
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { Assertions } from "./assertion.ts";
import { type Identity, VISITOR } from "./identity.ts";

const START_MS = Date.UTC(2026, 0, 31);
const client: Identity = { role: "client", clientId: "thies:2" };

function pair(credentials: [string, ...string[]] = ["a secret"], readBy = credentials) {
  const clock = { ms: START_MS };
  const nowMs = () => clock.ms;
  return {
    clock,
    gateway: new Assertions({ credentials, nowMs }),
    service: new Assertions({ credentials: readBy, nowMs }),
  };
}

test.each<Identity>([
  client,
  { role: "city-operator", subject: "fatou", cityId: "thies" },
  { role: "company-operator", subject: "awa" },
  { role: "service" },
])("a service reads what a gateway says: %j", async (identity) => {
  const { gateway, service } = pair();
  expect(await service.read((await gateway.for(identity, "city"))!, "city")).toEqual(identity);
});

test("a visitor has no assertion", () => {
  expect(pair().gateway.for(VISITOR, "city")).toBeUndefined();
});

test("an assertion is not believed by another subgraph, after its time, or with another credential", async () => {
  const { clock, gateway, service } = pair();
  const header = (await gateway.for(client, "city"))!;
  expect(await service.read(header, "catalog")).toBeUndefined();
  expect(await pair(["another secret"]).service.read(header, "city")).toBeUndefined();
  clock.ms += 89_000;
  expect(await service.read(header, "city")).toEqual(client);
  clock.ms += 2_000;
  expect(await service.read(header, "city")).toBeUndefined();
});

test("nor is one that is remembered, after its time", async () => {
  const { clock, gateway, service } = pair();
  const header = (await gateway.for(client, "city"))!;
  expect(await service.read(header, "city")).toEqual(client);
  clock.ms += 91_000;
  expect(await service.read(header, "city")).toBeUndefined();
});

test("equal for half a minute, so that equal queries are one", async () => {
  const { clock, gateway } = pair();
  const first = await gateway.for(client, "city");
  clock.ms += 29_000;
  expect(await gateway.for({ ...client }, "city")).toBe(first);
  clock.ms += 2_000;
  expect(await gateway.for(client, "city")).not.toBe(first);
});

test("while a credential is replaced, both are believed", async () => {
  const { gateway, service } = pair(["old"], ["new", "old"]);
  expect(await service.read((await gateway.for(client, "city"))!, "city")).toEqual(client);
});

test.each(["", "a.b.c", "x".repeat(100_000), "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZSJ9."])(
  "a forgery is not believed",
  async (header) => {
    expect(await pair().service.read(header, "city")).toBeUndefined();
  },
);

test("a token that others signed with the credential itself is not one", async () => {
  const forged = await new SignJWT({ role: "company-operator", subject: "x" })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("teranga")
    .setAudience("city")
    .setIssuedAt(START_MS / 1_000)
    .setExpirationTime(START_MS / 1_000 + 60)
    .sign(Buffer.from("a secret"));
  expect(await pair().service.read(forged, "city")).toBeUndefined();
});
