/**
 * Goal: the documentation agrees with the code. Method: the tables of errors, configuration, metrics and
 * dependencies and the graph's descriptions are compared with the sources.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { catalogVariables } from "@teranga/catalog/config.ts";
import { addNodesMetrics } from "@teranga/catalog/nodes/nodes-metrics.ts";
import { cityVariables } from "@teranga/city/config.ts";
import { addBacklogMetrics, createCityMetrics } from "@teranga/city/metrics.ts";
import { createCacheMetrics } from "@teranga/gateway/cache/cache-metrics.ts";
import { createFeedMetrics } from "@teranga/gateway/cache/feed/feed-metrics.ts";
import { createSharedTierMetrics } from "@teranga/gateway/cache/shared/shared-metrics.ts";
import { gatewayVariables } from "@teranga/gateway/config.ts";
import { createGatewayMetrics } from "@teranga/gateway/door/metrics.ts";
import { proxyVariables } from "@teranga/gateway/proxy/proxy-config.ts";
import { clusterVariables } from "@teranga/infra/config.ts";
import { PACKAGES } from "@teranga/infra/floors/packages.ts";
import { ERROR_CODES, partitionErrors } from "@teranga/kit/graphql/errors.ts";
import { countRefusals } from "@teranga/kit/http/refusals.ts";
import { createOutboxMetrics } from "@teranga/kit/outbox/outbox-metrics.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { createReadMetrics } from "@teranga/kit/reads/read-metrics.ts";
import { createRedisMetrics } from "@teranga/kit/redis/redis-metrics.ts";
import { createTopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { mobileMoneyVariables } from "@teranga/mobile-money/config.ts";
import { ordersVariables } from "@teranga/orders/config.ts";
import { createOrderMetrics } from "@teranga/orders/metrics.ts";
import {
  buildSchema,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLUnionType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from "graphql";
import { describe, expect, test } from "vitest";
import type { z } from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFile(join(root, path), "utf8");

/** The rows of a page's tables whose first cell is code, as [first cell, second cell]. */
async function rows(page: string): Promise<[string, string][]> {
  const lines = (await read(page)).matchAll(/^\| `([^`]+)` \| (.*) \|$/gm);
  return Array.from(lines, ([, name, text]) => [name!, text!]);
}

test("every error code is documented, and every documented code exists", async () => {
  expect(Object.fromEntries(await rows("docs/errors.md"))).toEqual({
    ...ERROR_CODES,
    ...partitionErrors("city"),
  });
});

test("of every mutation it is said how it can be sent again, and so it is", async () => {
  const schema = buildSchema(await read("schema/generated/api.graphql"));
  const fields = Object.values(schema.getMutationType()!.getFields());
  const mutations = fields.map(({ name, args, type }) => {
    const input = getNamedType(args[0]!.type) as GraphQLInputObjectType;
    const members = (getNamedType(type) as GraphQLUnionType).getTypes().map(({ name }) => name);
    return {
      name,
      hasKey: "idempotencyKey" in input.getFields(),
      reused: members.find((one) => /KeyReused$/.test(one)),
    };
  });
  const said = (await rows("docs/mutations.md")).filter(([, text]) => /^(key|by nature)/.test(text));
  const documented = said.map(([name, text]) => {
    const [how, reused] = text.split(" | ");
    return { name, hasKey: how!.startsWith("key"), reused: reused?.match(/`(\w+)`/)?.[1] };
  });
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(documented.sort(byName)).toEqual(mutations.sort(byName));
  for (const { hasKey, reused } of mutations) expect(hasKey).toBe(reused !== undefined);
});

describe("every variable is documented", () => {
  const services: Record<string, z.ZodObject> = {
    city: cityVariables,
    catalog: catalogVariables,
    orders: ordersVariables,
    "mobile money": mobileMoneyVariables,
    gateway: gatewayVariables,
    "partition proxy": proxyVariables,
    cluster: clusterVariables,
  };
  test.each(Object.keys(services))("of %s", async (service) => {
    const page = await read("docs/configuration.md");
    const section = page.split(/^## /m).find((part) => part.toLowerCase().startsWith(service));
    const documented = Array.from(section!.matchAll(/^\| `([A-Z_]+)` \|/gm), ([, name]) => name).sort();
    expect(documented).toEqual(Object.keys(services[service]!.shape).sort());
    for (const [name, schema] of Object.entries(services[service]!.shape)) {
      expect(section, name).toContain((schema as z.ZodType).description);
    }
  });
});

test("every metric is documented as it is, and every documented metric exists", async () => {
  const registry = new Registry();
  createOrderMetrics(registry);
  createCityMetrics(registry);
  createTopologyStanding(registry);
  createReadMetrics(registry, () => []);
  countRefusals(registry);
  createRedisMetrics(registry);
  createCacheMetrics(registry).measure(() => 0);
  createSharedTierMetrics(registry);
  createGatewayMetrics(registry, () => ({ plans: 0, generation: 0, omitted: 0, circuits: [] }));
  createOutboxMetrics(registry, () => 0);
  createFeedMetrics(registry);
  addNodesMetrics(registry, undefined);
  const readBacklog = () => Promise.reject(new Error("no database"));
  addBacklogMetrics(registry, { readBacklog, nowMs: () => 0, delay: async () => {} });
  const metrics = (await registry.getMetricsAsJSON()) as unknown as {
    name: string;
    type: string;
    help: string;
  }[];
  const labelsOf = (name: string) =>
    (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames.map(
      (label) => `\`${label}\``,
    );
  const expected = metrics.map(({ name, type, help }) => [name, type, labelsOf(name).join(", "), help]);
  const table = (await read("docs/observability.md")).matchAll(
    /^\| `(teranga_\w+)` \| (\w+) \| ?(.*?) ?\| (.*) \|$/gm,
  );
  expect(Array.from(table, (cells) => cells.slice(1)).sort()).toEqual(expected.sort());
});

test("every dependency says why it is there", async () => {
  const used = new Set<string>();
  for (const folder of ["", ...PACKAGES.map((each) => each.folder)]) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(await read(join(folder, "package.json")));
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      if (!name.startsWith("@teranga/")) used.add(name);
    }
  }
  const documented = (await rows("docs/dependencies.md")).map(([name]) => name);
  expect(documented.sort()).toEqual([...used].sort());
});

test("every type, field, argument and value of the graph has a description", async () => {
  const schema = buildSchema(await read("schema/generated/api.graphql"));
  const missing: string[] = [];
  const note = (name: string, { description }: { description?: string | null | undefined }) => {
    if (!description) missing.push(name);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__") || BUILT_IN.has(type.name)) continue;
    if (!ROOTS.has(type.name)) note(type.name, type);
    for (const [name, member] of membersOf(type)) {
      note(`${type.name}.${name}`, member);
      const args = "args" in member ? member.args : [];
      // An argument named "input" is explained by its type.
      for (const arg of args) if (arg.name !== "input") note(`${type.name}.${name}(${arg.name})`, arg);
    }
  }
  expect(missing).toEqual([]);
});

test("every result with a message is a Failure, and every scalar of ours says where it is specified", async () => {
  const schema = buildSchema(await read("schema/generated/api.graphql"));
  const types = Object.values(schema.getTypeMap());
  const told = types.filter(
    (type) => isObjectType(type) && type.getFields().message && !type.name.startsWith("__"),
  );
  const failures = schema.getPossibleTypes(schema.getType("Failure") as GraphQLInterfaceType);
  expect(told.map(({ name }) => name).sort()).toEqual(failures.map(({ name }) => name).sort());
  const scalars = types.filter((type) => isScalarType(type) && !BUILT_IN.has(type.name));
  expect(scalars.map((type) => [type.name, "specifiedByURL" in type && type.specifiedByURL])).toEqual([
    ["DateTime", "https://scalars.graphql.org/andimarek/date-time.html"],
    ["Amount", "https://teranga.dev/scalars/amount"],
  ]);
});

const BUILT_IN = new Set(["String", "Int", "Float", "Boolean", "ID"]);
const ROOTS = new Set(["Query", "Mutation"]);

type Member = { description?: string | null | undefined; args?: readonly (Member & { name: string })[] };

function membersOf(type: GraphQLNamedType): [string, Member][] {
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type))
    return Object.entries(type.getFields() as Record<string, Member>);
  if (isEnumType(type)) return type.getValues().map((value) => [value.name, value]);
  return [];
}

test("decisions are numbered without gaps", async () => {
  const files = (await readdir(join(root, "docs/decisions"))).sort();
  expect(files.map((name) => Number(name.slice(0, 3)))).toEqual(files.map((_, index) => index + 1));
});

test("no leftover markers", async () => {
  // A walk over node_modules took 30 s beside other tests, so git lists the files.
  const { stdout } = await promisify(execFile)(
    "git",
    ["ls-files", "*.ts", "*.mjs", "*.sql", "*.graphql", "*.md"],
    {
      cwd: root,
    },
  );
  const marked: string[] = [];
  for (const file of stdout.trim().split("\n")) {
    if (file.includes("generated/")) continue;
    // The words are split, so that this file does not match.
    if (new RegExp(["TO", "DO|FIX", "ME|XX", "X\\b"].join("")).test(await read(file))) marked.push(file);
  }
  expect(marked).toEqual([]);
});
