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
  /** Statements that wrote something. */
  writes = 0;
  /** Told of each write: the city whose database was written. */
  onWrite: (cityId: string) => void = () => {};
  /** Told of each commit, when it has just happened. */
  onCommit: (detail: CommittedDetail) => void = () => {};
  readonly #world: World;
  readonly #views = new Map<string, CityView>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A statement has written to a city's database. @throws Violation */
  see(cityId: string, view: CityView): void {
    this.writes++;
    this.#views.set(cityId, view);
    const facts = view.facts.map((fact) => `${fact.kind} ${short(fact.detail ?? fact.id)}`);
    this.#world.note(cityId, `wrote ${facts.join("; ") || short(view.levels)}`);
    if (view.broken.length > 0) throw new Violation(`in ${cityId}: ${view.broken.join("; ")}`);
    for (const fact of view.facts) {
      this.model.apply(cityId, fact);
      if (fact.kind === "COMMITTED") this.onCommit(fact.detail);
    }
    // A commit of one city is seen in the levels of others.
    for (const [id, known] of this.#views) this.model.compare(id, known);
    this.onWrite(cityId);
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
