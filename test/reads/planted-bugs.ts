/** Mistakes that reads can have, each a change of our source. The checker has to find every one. */
import type { PlantedBug } from "../harness/planted-bug.ts";

const POSITION = "kit/src/reads/position.ts";
const SESSION = "gateway/src/session/session.ts";
const MEMORY = "gateway/src/cache/memory-tier.ts";
const HISTORY = "gateway/src/cache/place-history.ts";
const FOLLOWER = "gateway/src/cache/feed/place-follower.ts";
const REDIS = "gateway/src/cache/shared/redis-tier.ts";

const COMPARE = "return a.timeline - b.timeline || a.lsn - b.lsn;";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    // The gateway reads the token and tells the services nothing of it.
    name: "token-dropped",
    edits: [
      {
        file: SESSION,
        find: "if (!position) return this.#isUncertain ? UNCERTAIN : ANYTHING;",
        replace: "if (position || !position) return ANYTHING;",
      },
    ],
  },
  {
    // An entry counts as new when it is filled, not when it was read. It replaces any other, and nobody asks
    // for one that includes the last change.
    name: "fill-over-newer",
    edits: [
      {
        file: HISTORY,
        find: "return this.#marksOf(name, tags).reduce<Mark | undefined>(later, undefined)?.position;",
        replace: "return undefined;",
      },
      {
        file: HISTORY,
        find: "range ? comparePositions(range.includes, position) < 0 : begun < tick",
        replace: "begun < tick",
      },
      {
        file: MEMORY,
        find: 'if (this.#history.isOutdated(place, entry, begun)) return "stale";',
        replace: "",
      },
      {
        file: MEMORY,
        find: 'if (kept && this.#isOlder({ entry, begun }, kept)) return "older";',
        replace: "",
      },
      {
        file: MEMORY,
        find: "this.#kept.put(key, { entry, begun });",
        replace: "this.#kept.put(key, { entry, begun: this.#history.begin() });",
      },
    ],
  },
  {
    // 99 is after 100.
    name: "lsn-as-text",
    edits: [
      {
        file: POSITION,
        find: COMPARE,
        replace:
          "return a.timeline - b.timeline || (String(a.lsn) < String(b.lsn) ? -1 : Number(a.lsn !== b.lsn));",
      },
    ],
  },
  {
    // What the old primary has is taken for what the new one has.
    name: "timeline-ignored",
    edits: [{ file: POSITION, find: COMPARE, replace: "return a.lsn - b.lsn;" }],
  },
  {
    // Changes that were missed are forgotten.
    name: "gap-forgotten",
    edits: [{ file: FOLLOWER, find: "if (answer.isGap) {", replace: "if (false) {" }],
  },
  {
    // A fetch that has ended gives back a lease that it does not have. Its own ends after a second.
    name: "lease-leaked",
    edits: [
      {
        file: REDIS,
        find: "const ended = { key, token: fetch.token };",
        replace: 'const ended = { key, token: fetch.token && "none" };',
      },
    ],
  },
];
