/**
 * `npm run bench:authorization [-- --rounds N]`: what access directives cost somebody who may have
 * everything. The market of the gateway's benchmark, without directives and with one on every type and field,
 * is asked in turns in one process. Services answer from memory and there is no HTTP, so the share is that of
 * the engine alone: the greatest that it can be.
 */
import { requestOf } from "@teranga/gateway/fixture/engine.ts";
import { readSupergraph } from "@teranga/gateway/ground/supergraph.ts";
import { createNetworks } from "@teranga/gateway/network/network.ts";
import { Graph } from "@teranga/gateway/planning/graph.ts";
import { createAnswerBudget } from "@teranga/gateway/sources/answer-budget.ts";
import { createSources, placementsOf } from "@teranga/gateway/sources/create-sources.ts";
import type { RunContext } from "@teranga/gateway/sources/request-context.ts";
import { RequestRecord } from "@teranga/gateway/sources/request-record.ts";
import type { Send } from "@teranga/kit/http/transport.ts";
import { Assertions } from "@teranga/kit/identity/assertion.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { graphql } from "graphql";
import { z } from "zod";
import { withPlacements } from "../authorization/placements.ts";
import {
  marketSupergraph,
  OPERATION_NAMES,
  OPERATIONS,
  type OperationName,
  SUBGRAPHS,
  schemaOf,
} from "./gateway/market.ts";
import { median } from "./statistics.ts";

const IDENTITY = { role: "company-operator", subject: "awa" } as const;
const ORIGIN = "http://market";
const PLACES =
  `Query.users Query.topProducts User User.id User.name User.username User.reviews Review Review.id Review.body
  Review.product Review.author Product Product.upc Product.name Product.price Product.weight Product.inStock
  Product.shippingEstimate Product.reviews`.split(/\s+/);
const ON = "on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM";
const LINKS = `schema
  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)`;
const DEFINITIONS = `
  directive @authenticated ${ON}
  directive @policy(policies: [[policy__Policy!]!]!) ${ON}
  scalar policy__Policy`;
/**
 * An operation is repeated until a measurement is so long that the clock of the CPU time counts for little.
 */
const REPEATED: Record<OperationName, number> = { heavy: 60, light: 2_500 };

const options = z.object({ rounds: z.coerce.number().int().min(1).max(10_000).default(40) });
const usage = {
  command: "npm run bench:authorization",
  about: "Measures what access directives cost somebody who may have everything.",
  options: {
    "--rounds N": "How often each operation is measured without and with directives; 40 by default.",
  },
};

function guarded(sdl: string): string {
  const placements = PLACES.map((where, index) =>
    index % 2 === 0
      ? ({ where, directive: "authenticated", as: "authenticated", anyOf: [] } as const)
      : ({ where, directive: "policy", as: "policy", anyOf: [["own client"], ["own city"]] } as const),
  );
  return withPlacements(sdl.replace("schema", LINKS) + DEFINITIONS, placements);
}

/** Each question is computed once. */
function createSend(): Send {
  const schemas = new Map(
    Object.entries(SUBGRAPHS).map(([name, each]) => [`${ORIGIN}/${name}`, schemaOf(each)]),
  );
  const known = new Map<string, string>();
  return async (url, { query: source, variables: variableValues }) => {
    const key = JSON.stringify([url, source, variableValues]);
    let text = known.get(key);
    if (text === undefined) {
      text = JSON.stringify(await graphql({ schema: schemas.get(url)!, source, variableValues }));
      known.set(key, text);
    }
    return JSON.parse(text);
  };
}

function createAsker(sdl: string) {
  const supergraph = readSupergraph(sdl);
  const placements = placementsOf(supergraph, undefined);
  const graph = new Graph(supergraph, createSources(supergraph, placements));
  const networks = createNetworks({ send: createSend(), nowMs: () => performance.now() });
  const network = networks.update(placements.values());
  const assertions = new Assertions({ credentials: ["of the benchmark"], nowMs: () => Date.now() });
  const log = createLogger("bench", "silent");
  const context = (): RunContext => ({
    requestId: "bench",
    log,
    identity: IDENTITY,
    assertions,
    network,
    deadlineAtMs: Number.POSITIVE_INFINITY,
    fetchDeadlineMs: 5_000,
    forwardedHeaders: {},
    unavailable: new Set(),
    budget: createAnswerBudget(),
    record: new RequestRecord("bench", false, () => 0),
  });
  const requests = new Map(
    OPERATION_NAMES.map((name) => [
      name,
      requestOf(graph, OPERATIONS[name], { variables: {}, context: context() }),
    ]),
  );
  return async (name: OperationName) => {
    const { data, errors } = await graph.execute({ ...requests.get(name)!, context: context() });
    if (errors) throw errors[0]!;
    return JSON.stringify(data).length;
  };
}

/** CPU time of one answer, in microseconds. */
async function measure(ask: (name: OperationName) => Promise<number>, name: OperationName): Promise<number> {
  const before = process.cpuUsage();
  for (let each = 0; each < REPEATED[name]; each++) await ask(name);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REPEATED[name];
}

await runMain(usage, async () => {
  const { rounds } = readOptions(options, process.argv.slice(2));
  const sdl = marketSupergraph(ORIGIN);
  const [off, on] = [createAsker(sdl), createAsker(guarded(sdl))];
  for (const name of OPERATION_NAMES) {
    const ratios: number[] = [];
    const [without, withThem]: [number[], number[]] = [[], []];
    for (let round = -3; round < rounds; round++) {
      const isFirst = round % 2 === 0;
      const first = await measure(isFirst ? off : on, name);
      const second = await measure(isFirst ? on : off, name);
      // The first rounds warm up.
      if (round < 0) continue;
      const [a, b] = isFirst ? [first, second] : [second, first];
      without.push(a);
      withThem.push(b);
      ratios.push(b / a);
    }
    const more = ((median(ratios) - 1) * 100).toFixed(1);
    const line = `${name}: ${median(without).toFixed(0)} µs without, ${median(withThem).toFixed(0)} µs with directives, ${more} % more`;
    process.stdout.write(`${line}\n`);
  }
});
