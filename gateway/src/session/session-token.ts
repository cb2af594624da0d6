/**
 * The session token: what a client has seen, signed, so that any gateway of the cluster believes it. To the
 * client it is opaque.
 *
 *     base64url(2;1738000060;catalog=1.83886080,city/dakar=1.500;).base64url(HMAC)
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { laterPosition, type Position } from "@teranga/kit/reads/position.ts";
import { parsePositions, printPositions } from "@teranga/kit/reads/read-headers.ts";
import { areSiblings } from "./read-after.ts";

/** What a client has seen. */
export interface Seen {
  /** By place. The one that moved last is last. */
  positions: ReadonlyMap<string, Position>;
  /**
   * Until then, in milliseconds since 1970, nothing is certain of the places that have no position: the
   * client may have seen more than what a replica has.
   */
  uncertainUntilMs: number;
  /**
   * The nodes whose position says all: what was seen at the other nodes of their subgraph, they had by then.
   * None by default.
   */
  covering?: ReadonlySet<string>;
}

/**
 * How long a place without a position is asked at its primary. Afterwards the bound on a replica's age
 * (READ_STALENESS_MS, 5 s by default) is passed many times over, also for a clock that is some seconds off.
 */
export const UNCERTAIN_MS = 60_000;

export const TOKEN_LENGTH_MAX = 3_000;
const VERSION = "2";
const MAC_BYTES = 16;
const MAC_LENGTH = 22;
const TOKEN = /^([\w-]+)\.([\w-]{22})$/;
const CLAIM = /^2;(\d{1,12});([^;]*);(.*)$/;

export class TokenSeal {
  /** With a buffer for a key, an HMAC takes six times as long. */
  readonly #key: KeyObject;

  /** @param credential the secret that all gateways of the cluster have */
  constructor(credential: string) {
    this.#key = createSecretKey(Buffer.from(hkdfSync("sha256", credential, "", "teranga-session", 32)));
  }

  /**
   * Places that find no room become uncertain: those that moved longest ago.
   * @param nowMs milliseconds since 1970
   */
  print(
    { positions, uncertainUntilMs, covering }: Seen,
    nowMs: number,
    lengthMax = TOKEN_LENGTH_MAX,
  ): string {
    const kept: string[] = [];
    const nodes = [...(covering ?? [])].join(",");
    // Four characters are three bytes.
    const frame = `${VERSION};${"9".repeat(12)};;${nodes}`;
    let room = Math.floor(((lengthMax - MAC_LENGTH - 1) * 3) / 4) - frame.length;
    for (const entry of [...positions].reverse()) {
      const text = printPositions(new Map([entry]));
      room -= text.length + 1;
      if (room < 0) break;
      kept.push(text);
    }
    const isWhole = kept.length === positions.size;
    const untilS = Math.ceil((isWhole ? uncertainUntilMs : nowMs + UNCERTAIN_MS) / 1_000);
    const claim = [VERSION, untilS, kept.reverse().join(","), isWhole ? nodes : ""].join(";");
    const text = Buffer.from(claim).toString("base64url");
    return `${text}.${this.#mac(text).toString("base64url")}`;
  }

  /** Undefined if no gateway of this cluster has made it. */
  read(token: string): Seen | undefined {
    const [, text, mac] = (token.length <= TOKEN_LENGTH_MAX && TOKEN.exec(token)) || [];
    if (text === undefined || mac === undefined) return undefined;
    if (!timingSafeEqual(this.#mac(text), Buffer.from(mac, "base64url"))) return undefined;
    const [, untilS, positions, nodes] = CLAIM.exec(Buffer.from(text, "base64url").toString()) ?? [];
    if (untilS === undefined || positions === undefined || nodes === undefined) return undefined;
    const covering = new Set(nodes === "" ? [] : nodes.split(","));
    return { positions: parsePositions(positions), uncertainUntilMs: Number(untilS) * 1_000, covering };
  }

  #mac(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, MAC_BYTES);
  }
}

/** What a client has seen that holds several tokens. A place is certain only if it is by each of them. */
export function mergeSeen(all: readonly Seen[], nowMs: number): Required<Seen> {
  const uncertain = all.filter(({ uncertainUntilMs }) => uncertainUntilMs > nowMs);
  const positions = new Map<string, Position>();
  for (const seen of all) {
    for (const [place, position] of seen.positions) {
      if (uncertain.some((each) => !each.positions.has(place))) continue;
      positions.set(place, laterPosition(positions.get(place) ?? position, position));
    }
  }
  // The clock of the gateway that made a token may be ahead. It must not hold us to the primary for longer.
  const latestMs = Math.max(0, ...uncertain.map(({ uncertainUntilMs }) => uncertainUntilMs));
  const uncertainUntilMs = Math.min(latestMs, nowMs + UNCERTAIN_MS);
  return { positions, uncertainUntilMs, covering: coveringAll(all, positions) };
}

/** A node covers what all tokens say if it covers what each says that knows a node of its subgraph. */
function coveringAll(all: readonly Seen[], positions: ReadonlyMap<string, Position>): Set<string> {
  const some = all.flatMap(({ covering }) => [...(covering ?? [])]);
  const coversAll = (node: string) =>
    all.every(
      ({ positions, covering }) =>
        covering?.has(node) || ![...positions.keys()].some((place) => areSiblings(place, node)),
    );
  return new Set(some.filter((node) => positions.has(node) && coversAll(node)));
}
