/**
 * Checks the promises about reads while clients write and read (docs/reads.md).
 *
 * The data is a set of registers whose versions only grow: the price of a product with one writer at a time,
 * the balance of a wallet that is only topped up, the number of a client's orders. So an older state is a
 * smaller number, and each read is checked at once, in constant time:
 *
 * - read your writes: at least what the same session has written, once that was acknowledged;
 * - monotonic reads: at least what the same session has read;
 * - bounded staleness, without a token: at least what was acknowledged the bound before the read began;
 * - nothing from nowhere: at most what anybody has tried to write;
 * - nothing is leased at rest: while nobody asks, nobody has a lease of the shared cache (rest.ts).
 *
 * Sessions are the guarantees of Terry et al., "Session Guarantees for Weakly Consistent Replicated Data"
 * (1994).
 */

/** A broken promise. */
export interface Violation {
  promise:
    | "read your writes"
    | "monotonic reads"
    | "bounded staleness"
    | "nothing from nowhere"
    | "nothing is leased at rest";
  register: string;
  /** The least version that may have been read; for "nothing from nowhere" the greatest. */
  allowed: number;
  read: number;
  /** How the answer came about. */
  how: string;
}

/** What one session knows of a register. */
interface Known {
  version: number;
  by: "write" | "read";
}

interface Register {
  /** The greatest version that anybody has tried to write. */
  attempted: number;
  /** The versions that were acknowledged within the bound, and the last one before it. */
  acknowledged: { version: number; atMs: number }[];
}

export class ReadPromises {
  readonly violations: Violation[] = [];
  reads = 0;
  readonly #boundMs: number;
  readonly #registers = new Map<string, Register>();

  /** @param boundMs how old an answer without a token may be */
  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** The register begins with this version. */
  begins(register: string, version: number): void {
    this.#register(register).attempted = version;
  }

  /** Must be called before a write is sent. Returns the version that the register has if all happen. */
  attempts(register: string): number {
    return ++this.#register(register).attempted;
  }

  /** A write was acknowledged: everybody sees it once the bound has passed. */
  acknowledged(register: string, version: number, nowMs: number): void {
    const { acknowledged } = this.#register(register);
    acknowledged.push({ version, atMs: nowMs });
    while (acknowledged[1] && acknowledged[1].atMs < nowMs - 2 * this.#boundMs) {
      const { version: dropped } = acknowledged.shift()!;
      // Answers to concurrent writes come in any order.
      acknowledged[0]!.version = Math.max(acknowledged[0]!.version, dropped);
    }
  }

  /** Checks a read without a token that began at `startedMs`. */
  readWithoutToken(register: string, read: number, startedMs: number, how: string): void {
    this.reads++;
    const { acknowledged } = this.#register(register);
    const seen = acknowledged.filter(({ atMs }) => atMs < startedMs - this.#boundMs);
    const allowed = Math.max(0, ...seen.map(({ version }) => version));
    if (read < allowed) this.violations.push({ promise: "bounded staleness", register, allowed, read, how });
    this.notFromNowhere(register, read, how);
  }

  notFromNowhere(register: string, read: number, how: string): void {
    const { attempted: allowed } = this.#register(register);
    if (read > allowed)
      this.violations.push({ promise: "nothing from nowhere", register, allowed, read, how });
  }

  /** While no client asks anything. */
  atRest(leases: readonly string[]): void {
    if (leases.length === 0) return;
    const broken = { promise: "nothing is leased at rest" as const, register: leases[0]!, how: "" };
    this.violations.push({ ...broken, allowed: 0, read: leases.length });
  }

  #register(name: string): Register {
    const known = this.#registers.get(name) ?? { attempted: 0, acknowledged: [] };
    this.#registers.set(name, known);
    return known;
  }
}

/** The promises to one session: a client that hands its token on from answer to request. */
export class SessionPromises {
  readonly #promises: ReadPromises;
  readonly #known = new Map<string, Known>();

  constructor(promises: ReadPromises) {
    this.#promises = promises;
  }

  /** The session has got the answer to its write. */
  wrote(register: string, version: number): void {
    if (version >= this.least(register)) this.#known.set(register, { version, by: "write" });
  }

  /** The least version that the session may read now. */
  least(register: string): number {
    return this.#known.get(register)?.version ?? 0;
  }

  read(register: string, version: number, how: string): void {
    this.#promises.reads++;
    this.#promises.notFromNowhere(register, version, how);
    const known = this.#known.get(register);
    if (known && version < known.version) {
      const promise = known.by === "write" ? "read your writes" : "monotonic reads";
      this.#promises.violations.push({ promise, register, allowed: known.version, read: version, how });
    }
    if (!known || version > known.version) this.#known.set(register, { version, by: "read" });
  }
}
