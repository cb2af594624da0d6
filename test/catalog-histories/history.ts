/** Random histories: what happens at two to four nodes, drawn from a seed. */
import { createRandom, type Random } from "../harness/random.ts";
import { NODES, type NodeId, type Write } from "./nodes.ts";

export type Event =
  | { kind: "write"; at: NodeId; write: Write }
  /** The next of what a node has not sent to another one. */
  | { kind: "deliver"; from: NodeId; to: NodeId; count: number }
  /** A node starts again and is sent some operations a second time. */
  | { kind: "restart"; at: NodeId; again: number }
  /** The oldest operations leave a node's log; of each row the last `kept` stay. */
  | { kind: "compact"; at: NodeId; kept: number };

export interface History {
  seed: number;
  nodes: readonly NodeId[];
  rows: readonly { entity: "Product" | "Supplier"; id: string }[];
  events: readonly Event[];
}

/** Clocks are wrong by so much at most. */
const CLOCK_ERROR_MS = 5 * 60_000;
const START_MS = Date.UTC(2024, 0, 1);

/** Rules that a node may change to: by unit, those that suit its columns. */
const OTHER_STRATEGIES = [
  { entity: "Product", unit: "name", strategies: ["LATEST", "FIELD_WISE"] },
  { entity: "Product", unit: "description", strategies: ["MANUAL", "FIELD_WISE"] },
  { entity: "Product", unit: "price", strategies: ["LATEST", "MANUAL"] },
  { entity: "Product", unit: "tags", strategies: ["LATEST", "MANUAL"] },
  { entity: "Product", unit: "supplier", strategies: ["MANUAL"] },
  { entity: "Supplier", unit: "name", strategies: ["MANUAL"] },
  { entity: "Supplier", unit: "contact", strategies: ["LATEST", "MANUAL"] },
  { entity: "Supplier", unit: "deliveries", strategies: ["LATEST", "MANUAL", "FIELD_WISE"] },
];

export function drawHistory(seed: number): History {
  const random = createRandom(`history ${seed}`);
  const nodes = NODES.slice(0, random.between(2, 4));
  const writer = createWriter(seed, random, nodes);
  const isCut = createCuts(random, nodes);
  const events: Event[] = writer.creations();
  const steps = random.between(4, 24);
  const deliveryShare = random.pick([0.2, 0.5, 0.8]);
  for (let step = 0; step < steps; step++) {
    if (random.next() < 0.04)
      events.push({ kind: "restart", at: random.pick(nodes), again: random.between(1, 5) });
    if (random.next() < deliveryShare) {
      const [from, to] = [random.pick(nodes), random.pick(nodes)];
      if (from !== to && !isCut(from, to, step / steps))
        events.push({ kind: "deliver", from, to, count: random.between(1, 6) });
    } else events.push(writer.edit(step / steps));
  }
  return { seed, nodes, rows: writer.rows, events: withCompactions(seed, nodes, events) };
}

/** Half of the histories have a node that never compacts its log: it ends like the others. */
function withCompactions(seed: number, nodes: readonly NodeId[], events: readonly Event[]): Event[] {
  const random = createRandom(`compactions of history ${seed}`);
  const compacting = nodes.slice(random.between(0, 1));
  return events.flatMap((event) => {
    if (random.next() >= 0.3) return [event];
    return [event, { kind: "compact", at: random.pick(compacting), kept: random.between(0, 4) }];
  });
}

/** Half of the histories have a line that is cut for a while. */
function createCuts(random: Random, nodes: readonly NodeId[]) {
  const [one, other] = [random.pick(nodes), random.pick(nodes)];
  const [from, to] = [random.next(), random.next() * 2];
  return (a: NodeId, b: NodeId, at: number) =>
    at >= from && at < to && ((a === one && b === other) || (a === other && b === one) || one === other);
}

function createWriter(seed: number, random: Random, nodes: readonly NodeId[]) {
  const products = ["p1", "p2"].slice(0, random.between(1, 2)).map((name) => `h${seed}-${name}`);
  const suppliers = [`h${seed}-s1`];
  const errors = new Map(nodes.map((node) => [node, random.between(-CLOCK_ERROR_MS, CLOCK_ERROR_MS)]));
  const changes = new Map(nodes.map((node) => [node, random.next() < 0.3 ? random.next() : 2]));
  const rules = {
    version: 2,
    strategies: OTHER_STRATEGIES.filter(() => random.next() < 0.5).map(({ entity, unit, strategies }) => ({
      entity,
      unit,
      strategy: random.pick(strategies),
    })),
  };
  let timeMs = START_MS;
  const write = (at: NodeId, sql: string, progress = 0): Event => {
    timeMs += random.pick([0, 1, 1_000, 60_000]);
    const nowMs = timeMs + errors.get(at)!;
    return { kind: "write", at, write: { sql, nowMs, ...(progress >= changes.get(at)! && { rules }) } };
  };
  const draw = createStatements(seed, random, products, suppliers);
  return {
    rows: [
      ...products.map((id) => ({ entity: "Product" as const, id })),
      ...suppliers.map((id) => ({ entity: "Supplier" as const, id })),
    ],
    creations: () =>
      [...products, ...suppliers].flatMap((id) => {
        const makers = random.next() < 0.05 ? nodes.slice(0, 2) : [random.pick(nodes)];
        return makers.map((at) => write(at, draw.creation(id)));
      }),
    edit: (progress: number) => write(random.pick(nodes), draw.edit(), progress),
  };
}

function createStatements(
  seed: number,
  random: Random,
  products: readonly string[],
  suppliers: readonly string[],
) {
  const name = () => `'h${seed} ${random.pick(["alpha", "beta", "Alpha", "gamma"])}'`;
  const text = () => `'${random.pick(["un", "deux", "trois"])}'`;
  const tags = () => `'{${["x", "y", "z"].filter(() => random.next() < 0.5).join(",")}}'::text[]`;
  const allProductSets = [
    () => `name = ${name()}`,
    () => `description = ${text()}`,
    () => `price = ${random.between(1, 4)}`,
    () => `price = price + 1`,
    () => `discontinued = ${random.next() < 0.5}`,
    () => `tags = ${tags()}`,
    () => `supplier_id = ${random.pick(["null", "'1'", "'2'"])}`,
  ];
  const allSupplierSets = [
    () => `name = ${text()}`,
    () => `email = ${random.pick(["null", "'e@x.sn'", "'f@x.sn'"])}`,
    () => `phone = '${random.between(1, 3)}'`,
    () => `email = 'g@x.sn', phone = '${random.between(1, 3)}'`,
    () => `deliveries = deliveries + ${random.between(1, 3)}`,
  ];
  const creation = (id: string) =>
    suppliers.includes(id)
      ? `insert into supplier (id, name, email, created_at, updated_at) values ('${id}', ${text()}, 'e@x.sn', wall_clock(), wall_clock()) on conflict do nothing`
      : `insert into product (id, name, description, price, tags, created_at, updated_at) values ('${id}', ${name()}, ${text()}, ${random.between(1, 4)}, ${tags()}, wall_clock(), wall_clock()) on conflict do nothing`;
  // Half of the histories write one or two fields of a row all the time.
  const some = <Set>(sets: readonly Set[]) =>
    random.next() < 0.5 ? sets : [random.pick(sets), random.pick(sets)];
  const [productSets, supplierSets] = [some(allProductSets), some(allSupplierSets)];
  const someOf = (sets: readonly (() => string)[]) => {
    const first = random.between(0, sets.length - 1);
    const second = random.between(0, sets.length - 1);
    const both = random.next() < 0.3 && sets[second]!().split(" =")[0] !== sets[first]!().split(" =")[0];
    return both && !sets[first]!().includes(", ") && !sets[second]!().includes(", ")
      ? `${sets[first]!()}, ${sets[second]!()}`
      : sets[first]!();
  };
  const edit = () => {
    const product = random.pick(products);
    const supplier = random.pick(suppliers);
    const row = random.pick([product, product, supplier]);
    return random.pickWeighted([
      { weight: 12, item: () => `update product set ${someOf(productSets)} where id = '${product}'` },
      { weight: 8, item: () => `update supplier set ${someOf(supplierSets)} where id = '${supplier}'` },
      { weight: 1.5, item: () => `delete from supplier where id = '${supplier}'` },
      { weight: 0.3, item: () => `delete from product where id = '${product}'` },
      { weight: 1, item: () => creation(row) },
      { weight: 3, item: () => resolution(row, random) },
    ])();
  };
  return { creation, edit };
}

/** A person chooses a version, also of a conflict that is settled. */
function resolution(id: string, random: Random): string {
  const version = random.pick(["winner", "losers -> 0", "losers -> -1"]);
  return `select resolve_field(entity, id, field, ${version} -> 'value') from conflict
    where id = '${id}' and field in ('name', 'description', 'price', 'email', 'phone')
      and (status = 'OPEN' or opened_at < to_timestamp(${START_MS / 1000 + 60}))
    order by status, field limit 1`;
}
