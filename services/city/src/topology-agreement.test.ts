/**
 * Goal: a topology is taken only once the cities whose clients it moves keep its rule, and by no program
 * before. Method: two real cities, and watches of one file by programs that own rows and programs that route.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { parseTopology, partitionsOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { agreeOnTopology } from "@teranga/kit/topology/topology-agreement.ts";
import { followTopology } from "@teranga/kit/topology/topology-following.ts";
import { createTopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { watchTopology } from "@teranga/kit/topology/topology-watch.ts";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { CREDENTIAL, startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { startCity } from "./service.ts";

const NOBODY = "http://127.0.0.1:9/graphql";
const { send, close } = createTransport({ credential: CREDENTIAL, isService: true });
const log = createLogger("test", "silent");
let autres: WiredCity;
let folder: string;

beforeAll(async () => {
  autres = await startWiredCity("autres", "agreement");
  folder = await mkdtemp(join(tmpdir(), "agreement-"));
  await autres.setTopology(topology());
  for (const town of ["Ziguinchor", "Ziguinchor", "Kaolack"]) await register(town);
});
afterAll(async () => {
  await close();
  await autres?.close();
  await rm(folder, { recursive: true });
});

function register(town: string) {
  const query = `mutation ($town: String!, $email: String!) {
    registerClient(input: { name: "Awa", email: $email, town: $town }) { __typename } }`;
  return autres.ask(query, { town, email: `${Math.random()}@example.org` });
}

/** Another instance of Autres, on the same database. */
function startInstance(given: Topology = topology()) {
  return startCity({
    cityId: "autres",
    databaseUrl: inject("postgresUrl").replace(/\/postgres$/, "/agreement"),
    topology: given,
    credential: CREDENTIAL,
    port: 0,
    log,
  });
}

/**
 * A topology of Dakar, which cannot be reached, of Autres, and of further cities
 * with the towns that they claim.
 */
function text(more: Record<string, { towns: string[]; url?: string }> = {}): string {
  const place = { location: { latitude: 14, longitude: -17 } };
  const others = Object.entries(more).map(([id, { towns, url = NOBODY }]) => [
    id,
    { ...place, name: id, towns, urls: [url] },
  ]);
  const partitions = {
    dakar: { ...place, name: "Dakar", urls: [NOBODY] },
    autres: { ...place, name: "Autres", default: true, urls: [autres.url] },
    ...Object.fromEntries(others),
  };
  return JSON.stringify({ subgraphs: { catalog: { replicas: [NOBODY] }, city: { partitions } } });
}
const topology = (more?: Parameters<typeof text>[0]) => parseTopology(text(more));
const agree = (next: Topology, role: "routes" | "owns") =>
  agreeOnTopology({ current: topology(), next, send, role });

test("a city with clients in the towns of another one refuses, and says which", async () => {
  const next = topology({ ziguinchor: { towns: ["Ziguinchor"], url: autres.url } });
  const refused = {
    kind: "refused",
    reason: "autres refuses it: it has 2 clients of towns that it would not serve: Ziguinchor (2)",
  };
  expect([await agree(next, "owns"), await agree(next, "routes")]).toEqual([refused, refused]);
});

test("a city that is new has to answer; one that is down and whose towns stay the same need not", async () => {
  const next = topology({ mbour: { towns: ["Mbour"] } });
  const silent = { kind: "not-yet", reason: "mbour, which it changes, does not answer" };
  expect(await agree(next, "owns")).toEqual(silent);
  expect(await agree(topology(), "routes")).toEqual({ kind: "agreed" });
});

test("who routes waits until the city whose towns change has taken it", async () => {
  // Autres does not have this topology yet. The test answers for the new city, which keeps its rule.
  const next = topology({ mbour: { towns: ["Mbour"] } });
  const answers: typeof send = async (url, ...rest) =>
    url === NOBODY ? { data: { topologyVerdict: { keeps: true, refusal: null } } } : send(url, ...rest);
  const ask = (role: "routes" | "owns") =>
    agreeOnTopology({ current: topology(), next, send: answers, role });
  expect(await ask("owns")).toEqual({ kind: "agreed" });
  expect(await ask("routes")).toEqual({ kind: "not-yet", reason: "autres has not taken it yet" });
  await autres.setTopology(next);
  expect(await ask("routes")).toEqual({ kind: "agreed" });
  await autres.setTopology(topology());
});

test("who routes waits until every instance that answers has taken it", async () => {
  const second = await startInstance();
  const next = topology({ mbour: { towns: ["Mbour"] } });
  const answers: typeof send = async (url, ...rest) =>
    url === NOBODY ? { data: { topologyVerdict: { keeps: true, refusal: null } } } : send(url, ...rest);
  const instances = (urls: string[]) =>
    parseTopology(text({ mbour: { towns: ["Mbour"] } }).replace(`["${autres.url}"]`, JSON.stringify(urls)));
  const ask = (urls: string[]) =>
    agreeOnTopology({ current: topology(), next: instances(urls), send: answers, role: "routes" });
  const both = [autres.url, second.url];
  try {
    await autres.setTopology(next);
    const notYet = { kind: "not-yet", reason: "autres has not taken it yet" };
    expect([await ask(both), await ask(both.toReversed())]).toEqual([notYet, notYet]);
    await second.setTopology(next);
    expect(await ask(both)).toEqual({ kind: "agreed" });
  } finally {
    await second.close();
  }
  // A city that is down holds up no other.
  expect(await ask(both)).toEqual({ kind: "agreed" });
  await autres.setTopology(topology());
});

test("an instance that starts with an older file moves no rule of the database, and says so", async () => {
  const own = { location: { latitude: 14, longitude: -17 }, urls: [autres.url] };
  const textOf = (towns: string[]) => {
    const partitions = {
      autres: { ...own, name: "Autres", default: true },
      mbour: { ...own, name: "Mbour", towns },
    };
    return JSON.stringify({ subgraphs: { catalog: { replicas: [NOBODY] }, city: { partitions } } });
  };
  const [older, newer] = [textOf([]), textOf(["Saly"])].map((each) => parseTopology(each));
  const towns = async () => (await autres.sql<{ towns: string[] }[]>`select towns from fragment`)[0]!.towns;
  await autres.setTopology(newer!);
  const second = await startInstance(older);
  const standing = createTopologyStanding(new Registry());
  const file = join(folder, "older.yaml");
  await writeFile(file, textOf([]));
  const { setTopology: onChange } = second;
  // A look between the next two steps would find that all agree, and none would come after it.
  let isMoved = false;
  const keepsRule = async () => isMoved && second.keepsRule();
  const means = { role: "owns", credential: CREDENTIAL, standing, log, pollMs: 20 } as const;
  const following = followTopology({ file, topology: older!, onChange, keepsRule, ...means });
  try {
    await vi.waitFor(() => expect(standing.notes()).toHaveLength(1), { timeout: 10_000 });
    expect(standing.notes()[0]).toMatch(
      /an instance of autres goes by another topology, and the database keeps another rule/,
    );
    expect(await towns()).toEqual(["mbour", "saly"]);
    // All instances go by the same topology now. Only the database keeps another rule.
    await autres.setTopology(older!);
    await autres.sql`select set_fragment('autres', true, '{autres}', '{mbour,saly}')`;
    isMoved = true;
    await vi.waitFor(() => expect(standing.notes()).toEqual([]), { timeout: 10_000 });
    expect(await towns()).toEqual(["mbour"]);
  } finally {
    await closeAll([...following, { name: "the service", close: second.close }]);
    await autres.setTopology(topology());
  }
});

test("a watched file that is refused changes nothing, is told, and is taken once nobody refuses", async () => {
  const file = join(folder, "topology.yaml");
  await writeFile(file, text());
  const registry = new Registry();
  const standing = createTopologyStanding(registry);
  const taken: string[][] = [];
  const watch = watchTopology({
    file,
    topology: topology(),
    onChange: (next) => {
      taken.push(partitionsOf(next, "city").partitions.map(({ id }) => id));
    },
    agree: (next) => agree(next, "owns"),
    standing,
    log,
    pollMs: 20,
  });
  const gauge = async () =>
    (await registry.getSingleMetric("teranga_topology_refused")!.get()).values[0]!.value;
  try {
    await writeFile(file, text({ kaolack: { towns: ["Kaolack"], url: autres.url } }));
    await vi.waitFor(() => expect(standing.notes()).toHaveLength(1), { timeout: 10_000 });
    expect(standing.notes()[0]).toMatch(
      /autres refuses it: it has 1 client of .*Kaolack \(1\); the topology stays/,
    );
    expect([taken, await gauge()]).toEqual([[], 1]);
    await autres.sql`update client set town = 'Tivaouane' where town = 'Kaolack'`;
    // Autres answers for the new city, whose URL is its own. It accepts any rule for that city that excludes
    // none of its clients.
    await vi.waitFor(() => expect(taken).toEqual([["dakar", "autres", "kaolack"]]), { timeout: 10_000 });
    await vi.waitFor(() => expect(standing.notes()).toEqual([]));
    expect(await gauge()).toBe(0);
  } finally {
    await watch.stop();
  }
});

test("a city that was silent at the start is asked until it has spoken", async () => {
  const file = join(folder, "started.yaml");
  const started = text({ ziguinchor: { towns: ["Ziguinchor"], url: autres.url } });
  await writeFile(file, started);
  const standing = createTopologyStanding(new Registry());
  let asked = 0;
  let isSilent = true;
  const answers: typeof send = async (url, ...rest) => {
    if (url === NOBODY) return { data: { topologyVerdict: { keeps: true, refusal: null } } };
    asked++;
    return isSilent ? Promise.reject(new Error("silence")) : send(url, ...rest);
  };
  const watch = watchTopology({
    file,
    topology: parseTopology(started),
    onChange: () => {},
    agree: (next, current) => agreeOnTopology({ current, next, send: answers, role: "routes" }),
    standing,
    log,
    pollMs: 20,
  });
  try {
    // Autres is asked, and the new city, for which it answers.
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2), { timeout: 10_000 });
    // Silence is not reported: programs that start together do not all answer at once.
    expect(standing.notes()).toEqual([]);
    isSilent = false;
    await vi.waitFor(() => expect(standing.notes()).toHaveLength(1), { timeout: 10_000 });
    const [refusal] = standing.notes();
    expect(refusal).toMatch(/autres refuses it: .*; it is gone by since the start all the same$/);
    // The fault is reported until the refusal is taken back, even while the city is silent, and whatever else
    // was wrong with the file.
    isSilent = true;
    await writeFile(file, "colour: red");
    await vi.waitFor(() => expect(standing.notes()[0]).toMatch(/the topology stays as it was/));
    await writeFile(file, started);
    await vi.waitFor(() => expect(standing.notes()).toEqual([refusal]), { timeout: 10_000 });
  } finally {
    await watch.stop();
  }
});

test("its verdict is for services only", async () => {
  const response = await fetch(autres.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ topologyVerdict(partitions: []) { keeps } }" }),
  });
  expect(response.status).toBe(401);
});
