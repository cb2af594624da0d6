/**
 * Looks at the cities' databases after every statement that wrote, and holds them against the sequential
 * model.
 */

import { homeOf } from "@teranga/protocol/messages.ts";
import type { CityMirror, CommittedDetail, Fact } from "./city-mirror.ts";
import type { CityDatabase } from "./databases.ts";
import { short } from "./describe.ts";
import { MessagePromises } from "./message-promises.ts";
import { SequentialModel } from "./sequential-model.ts";
import { promise } from "./violation.ts";
import type { World } from "./world.ts";

/** Far less than the lease of 10 s, and far more than some messages take. */
const CALM_DOUBT_MS = 5_000;

export class Watch {
  readonly model = new SequentialModel();
  readonly messages = new MessagePromises(this.model, (cityId) => this.cityOf(cityId));
  /** Whether nothing but clocks goes wrong: then nobody has a reason to give a transaction up. */
  isCalm = false;
  /** Statements that wrote something. */
  writes = 0;
  /** Told of each write: the city whose database was written. */
  onWrite: (cityId: string) => void = () => {};
  /** Told of each commit, when it has just happened. */
  onCommit: (detail: CommittedDetail) => void = () => {};
  readonly #world: World;
  /** Transactions and participants that have heard of them: `id,city`. */
  readonly #heard = new Set<string>();
  readonly #cities = new Map<string, CityMirror>();
  /** By transaction and city. */
  readonly #inDoubtSince = new Map<string, number>();
  readonly #unlike = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A statement has written to a city's database. @throws Violation */
  see({ cityId, mirror }: CityDatabase, facts: readonly Fact[]): void {
    this.writes++;
    this.#cities.set(cityId, mirror);
    const happened = facts.map((fact) => `${fact.kind} ${short(fact.id)} ${short(fact.detail)}`);
    this.#world.note(cityId, `wrote ${happened.join("; ") || short([...mirror.stock])}`);
    for (const fact of facts) {
      this.model.apply(cityId, fact);
      if (fact.kind === "COMMITTED") {
        this.#reachedBy(cityId, fact.detail);
        this.messages.committed(fact.detail);
        this.onCommit(fact.detail);
      }
      if (fact.kind === "PRUNED") this.#world.reach("an aborted transaction is pruned");
      const isFence = fact.kind === "ABORTED" && fact.detail.answer === "ABORTED";
      if (isFence) this.#world.reach("a fence");
      promise(!this.isCalm || !isFence, () => `${fact.id} was fenced though nothing goes wrong`);
    }
    this.#reachedByTelling(cityId);
    // A commit of one city is seen in the levels of others.
    for (const [id, city] of this.#cities) this.model.compare(id, city);
    this.#checkTold();
    this.messages.written(cityId);
    this.#checkDoubt(cityId, mirror);
    this.onWrite(cityId);
  }

  /** Counts what a commit is one of. */
  #reachedBy(home: string, { order, cancels }: CommittedDetail): void {
    const placed = order ?? this.model.orders.get(cancels ?? "")?.detail.order;
    const others = (placed?.allocations ?? []).filter(([city]) => city !== home);
    const given = Map.groupBy(others, ([city]) => city);
    const shares = Array.from(given.values(), (lines) => String(lines.map(([, ...line]) => line)));
    if (order && given.size > 1) this.#world.reach("an order of three cities");
    if (order && shares.length > 1 && new Set(shares).size === 1)
      this.#world.reach("two participants give the same");
    if (!cancels) return;
    if (placed?.payment === "WALLET" && given.size > 0)
      this.#world.reach("a split order that a wallet paid is cancelled");
    if ([...given.keys()].some((city) => this.#holds(city, cancels)))
      this.#world.reach("an order is cancelled before a participant has confirmed it");
  }

  /**
   * Counts what a home is about to hear, or a participant has heard, of a transaction that others have not.
   */
  #reachedByTelling(cityId: string): void {
    for (const [id, told] of this.#cities.get(cityId)!.participants) {
      if (told.size < 2) continue;
      const isHeard = (city: string) => this.#cities.get(city)!.participations.get(id)?.state === "COMMITTED";
      const isUnlike = [...told.values()].includes(true) && [...told.keys()].some((city) => !isHeard(city));
      if (isUnlike && !this.#unlike.has(id)) {
        this.#unlike.add(id);
        this.#world.reach("a participant has acknowledged, and another has not heard");
      }
    }
  }

  /** Whether a city has still set aside what a transaction takes. */
  #holds(cityId: string, id: string): boolean {
    return this.#cities.get(cityId)!.participations.get(id)?.state === "PREPARED";
  }

  /** A home that has no more to tell a participant knows that it has heard: nobody else would tell it. */
  #checkTold(): void {
    for (const [id, cityId] of this.#participants()) {
      const name = `${id},${cityId}`;
      if (this.#heard.has(name)) continue;
      const home = this.#cities.get(homeOf(id))!;
      if (home.participants.get(id)?.get(cityId) === false) continue;
      const isApplied = this.#cities.get(cityId)!.participations.get(id)?.state === "COMMITTED";
      promise(isApplied, () => `${cityId} counts as told of ${id}, and has not applied it`);
      this.#heard.add(name);
    }
  }

  /** While nothing goes wrong, orchestrators tell their participants at once, and no lease runs out. */
  #checkDoubt(cityId: string, { participations }: CityMirror): void {
    const { nowMs } = this.#world;
    for (const [id, { state }] of participations) {
      const name = `${id},${cityId}`;
      const sinceMs = this.#inDoubtSince.get(name);
      if (state === "PREPARED") this.#inDoubtSince.set(name, sinceMs ?? nowMs);
      else if (sinceMs !== undefined) {
        this.#inDoubtSince.delete(name);
        const forMs = nowMs - sinceMs;
        promise(
          !this.isCalm || forMs < CALM_DOUBT_MS,
          () => `${id} was in doubt for ${forMs} ms in ${cityId}`,
        );
      }
    }
  }

  /** Whether nothing is in doubt and everyone has been told. */
  get isAtRest(): boolean {
    return ![...this.#cities.keys()].some((cityId) => this.hasWork(cityId));
  }

  /** Whether something is in doubt in a city, or it has somebody to tell. */
  hasWork(cityId: string): boolean {
    const city = this.#cities.get(cityId)!;
    return !city.held().next().done || !city.untold().next().done;
  }

  /** The city's tables, as they are now. */
  cityOf(cityId: string): CityMirror {
    return this.#cities.get(cityId)!;
  }

  /** What does not come to its end. */
  unfinished(): string {
    const lists = Array.from(this.#cities, ([id, city]) => {
      const [held, untold] = [[...city.held()], [...city.untold()]];
      return `${id} ${short({ held, untold })}`;
    });
    return lists.join("; ");
  }

  /** What must hold when everything is at rest. @throws Violation */
  checkAtRest(): void {
    for (const [cityId, { participations }] of this.#cities) {
      for (const [id, { state }] of participations) {
        promise(state !== "PREPARED", () => `${cityId} has prepared ${id} for good`);
      }
    }
    for (const [id, cityId] of this.#participants()) {
      const isHeard = this.#cities.get(cityId)!.participations.has(id);
      promise(isHeard, () => `${cityId} never heard that ${id} was committed`);
    }
    for (const { statuses } of this.#cities.values()) {
      for (const [id, status] of statuses) {
        const isCancelled = this.model.orders.get(id)?.cancelledBy != null;
        promise(status !== "CANCELLED" || isCancelled, () => `the order ${id} is cancelled by nobody`);
      }
    }
  }

  /** Of each committed transaction the cities other than its home that it moves stock of. */
  *#participants(): Generator<[transactionId: string, cityId: string]> {
    for (const [id, { order, cancels, transfer }] of this.model.committed) {
      const placed = order ?? this.model.orders.get(cancels ?? "")?.detail.order;
      const cities = placed ? placed.allocations.map(([cityId]) => cityId) : [transfer!.from];
      for (const cityId of new Set(cities)) if (!id.startsWith(`${cityId}:`)) yield [id, cityId];
    }
  }
}
