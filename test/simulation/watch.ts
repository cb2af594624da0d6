/**
 * Looks at the cities' databases after every statement that wrote, and holds them against the invariants of docs/commit-protocol.md
 * and against the sequential model.
 */

import type { CityView, CommittedDetail } from "./databases.ts";
import { short } from "./describe.ts";
import { SequentialModel } from "./sequential-model.ts";
import { promise, Violation } from "./violation.ts";
import type { World } from "./world.ts";

export class Watch {
  readonly model = new SequentialModel();
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
  readonly #views = new Map<string, CityView>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A statement has written to a city's database. @throws Violation */
  see(cityId: string, view: CityView): void {
    this.writes++;
    this.#views.set(cityId, view);
    const facts = view.facts.map((fact) => `${fact.kind} ${short(fact.id)} ${short(fact.detail)}`);
    this.#world.note(cityId, `wrote ${facts.join("; ") || short(view.levels)}`);
    if (view.broken.length > 0) throw new Violation(`in ${cityId}: ${view.broken.join("; ")}`);
    for (const fact of view.facts) {
      this.model.apply(cityId, fact);
      if (fact.kind === "COMMITTED") {
        this.#reachedBy(cityId, fact.detail);
        this.onCommit(fact.detail);
      }
      const isFence = fact.kind === "ABORTED" && fact.detail.isFence;
      if (isFence) this.#world.reach("a fence");
      promise(!this.isCalm || !isFence, () => `${fact.id} was fenced though nothing goes wrong`);
    }
    // A commit of one city is seen in the levels of others.
    for (const [id, known] of this.#views) this.model.compare(id, known);
    this.#checkTold();
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

  /** Whether a city has still set aside what a transaction takes. */
  #holds(cityId: string, id: string): boolean {
    return this.#views.get(cityId)!.held.some(([held]) => held === id);
  }

  /** A home that has no more to tell a participant knows that it has heard: nobody else would tell it. */
  #checkTold(): void {
    const untold = new Set([...this.#views.values()].flatMap((view) => view.untold.map(String)));
    for (const [id, participants] of this.#participants()) {
      for (const cityId of participants) {
        if (this.#heard.has(`${id},${cityId}`) || untold.has(`${id},${cityId}`)) continue;
        const participation = this.#views.get(cityId)!.participations.find(([known]) => known === id);
        const isApplied = participation?.[2] === "COMMITTED";
        promise(isApplied, () => `${cityId} counts as told of ${id}, and has not applied it`);
        this.#heard.add(`${id},${cityId}`);
      }
    }
  }

  /** Whether nothing is in doubt and everyone has been told. */
  get isAtRest(): boolean {
    return ![...this.#views.keys()].some((cityId) => this.hasWork(cityId));
  }

  /** Whether something is in doubt in a city, or it has somebody to tell. */
  hasWork(cityId: string): boolean {
    const { held, untold } = this.#views.get(cityId)!;
    return held.length > 0 || untold.length > 0;
  }

  /** What does not come to its end. */
  unfinished(): string {
    const lists = Array.from(this.#views, ([id, { held, untold }]) => `${id} ${short({ held, untold })}`);
    return lists.join("; ");
  }

  /** What must hold when everything is at rest. @throws Violation */
  checkAtRest(): void {
    for (const [cityId, { participations }] of this.#views) {
      const prepared = participations.filter(([, , state]) => state === "PREPARED").map(([id]) => id);
      promise(prepared.length === 0, () => `${cityId} has prepared ${prepared} for good`);
      const confirmed = new Set(participations.map(([id]) => id));
      for (const [id, participants] of this.#participants()) {
        if (!participants.has(cityId)) continue;
        promise(confirmed.has(id), () => `${cityId} never heard that ${id} was committed`);
      }
    }
    const isCancelled = (id: string) => this.model.orders.get(id)?.cancelledBy != null;
    const cancelled = [...this.#views.values()].flatMap((view) => view.cancelled);
    promise(cancelled.every(isCancelled), () => `an order of ${cancelled} is cancelled by nobody`);
  }

  /** Of each committed transaction the cities other than its home that it moves stock of. */
  *#participants(): Generator<[string, Set<string>]> {
    for (const [id, { order, cancels, transfer }] of this.model.committed) {
      const placed = order ?? this.model.orders.get(cancels ?? "")?.detail.order;
      const cities = placed ? placed.allocations.map(([cityId]) => cityId) : [transfer!.from];
      yield [id, new Set(cities.filter((cityId) => !id.startsWith(`${cityId}:`)))];
    }
  }
}
