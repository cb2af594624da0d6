/**
 * The floors of the house. A file may import from its own room and from rooms on floors below; never from
 * above, and never from another room on its own floor. So a reader of a room needs to know only the rooms
 * below it.
 */

import type { Package } from "./packages.ts";

export interface Room {
  /** The beginning of its files' paths. The longest that fits decides. */
  path: string;
  /** What the room holds, in a few words. */
  holds: string;
  /** Set for a room that most rooms above import: the picture has no lines to it. */
  isGround?: true;
}

/** The floors from top to ground. */
export const FLOORS: readonly (readonly Room[])[] = [
  [{ path: "infra/", holds: "the local cluster, and what is generated of the schema" }],
  [{ path: "gateway/src/", holds: "the programs: the gateway, the partition proxy" }],
  [{ path: "gateway/src/proxy/", holds: "one partitioned subgraph, for other routers" }],
  [{ path: "gateway/src/live/", holds: "what a gateway runs, and what replaces it" }],
  [
    { path: "gateway/src/composition/", holds: "one schema of many services" },
    { path: "gateway/src/apollo/", holds: "stock @apollo/gateway as the engine" },
    { path: "gateway/src/door/", holds: "what clients meet: limits, documents, cost, telemetry" },
  ],
  [{ path: "gateway/src/planning/", holds: "a document becomes a plan" }],
  [
    { path: "gateway/src/validation/", holds: "whether a document is valid" },
    { path: "gateway/src/execution/", holds: "a plan is carried out, and its answer shaped" },
  ],
  [{ path: "gateway/src/sources/", holds: "replicas and partitions: who is asked what" }],
  [
    { path: "gateway/src/network/", holds: "instances, circuits, shared queries" },
    { path: "gateway/src/cache/", holds: "what services allow to be kept" },
  ],
  [
    { path: "gateway/src/session/", holds: "what a client has seen, and its token" },
    { path: "gateway/src/authorization/", holds: "who may have what of a graph" },
    { path: "gateway/src/identity/", holds: "who asks: clients' tokens, their issuer's keys" },
  ],
  [
    { path: "gateway/src/ground/", holds: "documents, supergraph, answers' data", isGround: true },
    { path: "services/orders/", holds: "the orchestrator" },
    { path: "services/city/", holds: "a city: both sides of the commit" },
    { path: "services/catalog/", holds: "what products are" },
    { path: "services/mobile-money/", holds: "a simulated company" },
  ],
  [
    { path: "protocol/", holds: "the commit protocol, from top to bottom" },
    { path: "schema/", holds: "the subgraphs' SDL, its types, the typed client" },
  ],
  [{ path: "kit/", holds: "what services are made of", isGround: true }],
];

const ROOMS = FLOORS.flatMap((rooms, floor) => rooms.map((room) => ({ ...room, floor })));

/** A room and its floor; 0 is the top. */
export type PlacedRoom = (typeof ROOMS)[number];

/** The room of a file, by its path from the repository's root. */
export function roomOf(file: string): PlacedRoom | undefined {
  const fitting = ROOMS.filter(({ path }) => file.startsWith(path));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0];
}

/** One file's import of another, both by their paths from the repository's root. */
export interface Import {
  from: string;
  to: string;
}

/** The floor of a package's highest room. The package of the tests has no room: it is on top. */
function floorOf({ folder }: Package): number {
  const floors = ROOMS.flatMap(({ path, floor }) => (path.startsWith(`${folder}/`) ? [floor] : []));
  return floors.length > 0 ? Math.min(...floors) : -1;
}

const isBelow = (one: Package, other: Package) => floorOf(one) > floorOf(other);

/** What packages need, if only in development, that is not below them. */
export function brokenNeeds(packages: readonly Package[]): string[] {
  return packages.flatMap((needing) =>
    packages
      .filter((needed) => needing.needs.includes(needed.name) && !isBelow(needed, needing))
      .map((needed) => `${needing.folder}/package.json needs ${needed.name}, which is not below it`),
  );
}

/** As `brokenFloor`, with whole packages for rooms. It holds for tests too. */
export function brokenPackage(packages: readonly Package[], { from, to }: Import): string | undefined {
  const [importing, imported] = [from, to].map((file) =>
    packages.find(({ folder }) => file.startsWith(`${folder}/`)),
  );
  if (!importing || !imported) return `${importing ? to : from} is in no package`;
  if (importing === imported || isBelow(imported, importing)) return undefined;
  return `${from} imports ${to}: ${imported.name} is not below ${importing.name}`;
}

/** Says which rule an import breaks; undefined if it breaks none. */
export function brokenFloor({ from, to }: Import): string | undefined {
  const [above, below] = [roomOf(from), roomOf(to)];
  if (!above || !below) return `${above ? to : from} is in no room (infra/src/floors/floors.ts)`;
  if (above.path === below.path || above.floor < below.floor) return undefined;
  const where = above.floor === below.floor ? "beside it" : "above it";
  return `${from} imports ${to}: ${below.path} is ${where}`;
}
