/**
 * One answer with @defer: first what is not deferred, then each deferred fragment, once it is complete and
 * the part around it has been delivered. Data is shaped only when it is delivered.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError } from "graphql";
import type { JsonObject, ResponsePath } from "../../ground/answer.ts";
import { answering } from "../../ground/answering.ts";
import { completionErrors } from "../../ground/error-paths.ts";
import { spend } from "../../sources/answer-budget.ts";
import type { RunContext } from "../../sources/request-context.ts";
import type { FieldSuppliers } from "../field-suppliers.ts";
import { misfitErrors } from "../misfits.ts";
import type { CompiledPart, PartPlan } from "../part.ts";
import { Run } from "../run.ts";
import { ShapeRun, TooLarge } from "../shape/shape-run.ts";
import type { Shapes } from "../shape/shapes.ts";
import { DeferredErrors, type Place, type Shaped } from "./defer-errors.ts";
import { eachPlace, valueAt } from "./defer-places.ts";
import { fetchAll, goOnFrom } from "./defer-run.ts";
import type { DeferredFragment } from "./defer-split.ts";
import { Fetching } from "./fetching.ts";

export type { Place } from "./defer-errors.ts";

/** What is delivered at one place. */
export interface Delivery extends Readonly<Shaped> {
  /** The places at which something is still to come because of this delivery. */
  opened: readonly Place[];
}

export interface AnswerTerms {
  /** The variables as the client gave them. */
  variables: JsonObject;
  /** The variables that conditions use, with defaults filled in. */
  conditions: Record<string, unknown>;
  context: RunContext;
  suppliers: FieldSuppliers;
  /** The root's members that are known without asking a service. */
  root: JsonObject;
}

/** A part of one answer. */
interface LivePart extends CompiledPart {
  children: LivePart[];
  /** Its own run, or its parent's if the parent fetches all of it. */
  run: Run;
  /** Resolves when its run has the data to continue from. */
  begun: Promise<void>;
  /** Resolves when everything that it needs has been fetched. */
  fetched: Promise<void>;
  isFetched: boolean;
  /** Known once its parent has been delivered. */
  places: Place[];
}

export class DeferredAnswer {
  readonly #terms: AnswerTerms;
  readonly #fetching: Fetching;
  readonly #errors = new DeferredErrors();
  readonly #primary: LivePart;
  /** The parts that have places and are not delivered yet. */
  readonly #waiting = new Set<LivePart>();
  /** The services' errors in this answer so far. */
  readonly #told: GraphQLError[] = [];
  /** Members and elements so far: all parts share the bound of one answer. */
  #size = 0;
  #places = 0;

  /** Starts all fetches that can start. @param deferred each parent before the fragments inside it */
  constructor(primary: CompiledPart, deferred: readonly CompiledPart[], terms: AnswerTerms) {
    this.#terms = terms;
    this.#fetching = new Fetching(terms.context.holding);
    const live = new Map<DeferredFragment | undefined, LivePart>();
    this.#primary = this.#start(primary, undefined);
    live.set(undefined, this.#primary);
    for (const part of deferred) live.set(part.fragment, this.#start(part, live.get(part.fragment!.parent)!));
  }

  /** Whether something is still to be delivered. */
  get hasNext(): boolean {
    return this.#waiting.size > 0;
  }

  /** The part that is not deferred, once it is complete. Must be called once, before `next`. */
  async first(): Promise<Delivery> {
    await this.#primary.fetched;
    await this.#turn();
    const place = { id: "", label: undefined, path: [], sourcePath: [] };
    // What is missing of an answer that nobody waits for is no fault.
    if (this.#fetching.isOver) return { place, data: null, errors: [], opened: [] };
    this.#primary.places = [place];
    return this.#deliver(this.#primary)[0]!;
  }

  /** Waits until a deferred part is complete, and returns all that are. Empty if nothing is to come. */
  async next(): Promise<Delivery[]> {
    if (!this.hasNext) return [];
    await Promise.race(Array.from(this.#waiting, ({ fetched }) => fetched));
    await this.#turn();
    if (this.#fetching.isOver) this.end();
    const deliveries: Delivery[] = [];
    // A delivered part adds its inner fragments to the set, and the loop reaches them too.
    for (const part of this.#waiting) {
      if (!part.isFetched) continue;
      this.#waiting.delete(part);
      for (const place of part.places) this.#errors.closed(place);
      deliveries.push(...this.#deliver(part));
    }
    return deliveries;
  }

  /** The client has gone. Running fetches finish or reach their deadline, and no others start. */
  end(): void {
    this.#fetching.end();
    this.#waiting.clear();
  }

  #turn(): Promise<void> | undefined {
    const { record, holding } = this.#terms.context;
    return answering.turn(record, holding?.isGreat);
  }

  #start(part: CompiledPart, parent: LivePart | undefined): LivePart {
    const { variables, context, root } = this.#terms;
    const own = { ...part, children: [], isFetched: false, places: [] };
    const live: LivePart =
      parent && !part.plan?.step
        ? { ...own, run: parent.run, begun: parent.begun, fetched: parent.fetched }
        : { ...own, run: new Run(variables, context, this.#fetching), ...NOT_BEGUN };
    if (!parent) {
      Object.assign(live.run.data, root);
      live.fetched = fetchAll(part.plan!, live.run, this.#fetching);
    } else {
      parent.children.push(live);
      if (part.plan?.step) this.#follow(live, part.plan, parent);
    }
    void live.fetched.then(() => {
      live.isFetched = true;
    });
    return live;
  }

  /** Starts a part when the data that it continues from is there. */
  #follow(part: LivePart, plan: PartPlan, parent: LivePart): void {
    const awaited = Array.from(plan.awaitedFetches, (id) => this.#fetching.whenOver(id));
    const ready = Promise.all([parent.begun, plan.awaitsParent ? parent.fetched : undefined, ...awaited]);
    part.begun = ready.then(() => goOnFrom(parent.run, part.run, this.#fetching));
    part.fetched = part.begun.then(() => fetchAll(plan, part.run, this.#fetching));
  }

  #deliver(part: LivePart): Delivery[] {
    const deliveries = part.places.map((place) => this.#shape(part, place));
    const isOwn = part === this.#primary || part.plan?.step !== undefined;
    this.#errors.share(isOwn ? part.run.errors : [], deliveries);
    for (const { errors } of deliveries) this.#told.push(...errors);
    for (const delivery of deliveries) delivery.errors.push(...this.#unexplained(part, delivery));
    for (const child of part.children) if (child.places.length > 0) this.#waiting.add(child);
    return deliveries;
  }

  #shape(part: LivePart, place: Place): Shaping {
    const shaping = new ShapeRun("shared");
    shaping.size = this.#size;
    const errors: GraphQLError[] = [];
    try {
      if (part.run.isTooLarge) throw new TooLarge();
      const source = valueAt(part.run.data, place.sourcePath);
      const data = shapesOf(part).for(this.#terms.variables)(source, shaping) as JsonObject | null;
      const opened = this.#openPlaces(part, place, source, data, errors);
      return { place, data, errors, opened, misfitCount: shaping.misfitCount };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      errors.push(tooLarge(ERROR_CODES.ANSWER_TOO_LARGE, place.path));
      return { place, data: null, errors, opened: [], misfitCount: 0 };
    } finally {
      answering.willWrite(shaping.size - this.#size);
      this.#size = shaping.size;
    }
  }

  #openPlaces(
    part: LivePart,
    place: Place,
    source: unknown,
    built: unknown,
    errors: GraphQLError[],
  ): Place[] {
    const opened: Place[] = [];
    const start = { source, built, typeName: part.typeName, place };
    for (const child of part.children) {
      const { way, label } = child.fragment!;
      eachPlace(start, way, this.#terms.conditions, (found) => {
        if (!spend(this.#terms.context.budget, "places", 1)) {
          errors.push(tooLarge(BEYOND, found.path));
          return false;
        }
        const inner = { id: String(this.#places++), label, ...found };
        child.places.push(inner);
        opened.push(inner);
        this.#errors.opened(inner);
        return true;
      });
    }
    return opened;
  }

  /** Errors for nulls of a delivery that no other error explains. */
  #unexplained(part: LivePart, { place, data, errors, misfitCount }: Shaping): GraphQLError[] {
    if (misfitCount > 0) {
      const { run } = part;
      const source = valueAt(run.data, place.sourcePath);
      const { suppliers } = this.#terms;
      const terms = { run, place: place.path, told: this.#told, suppliers };
      return misfitErrors(shapesOf(part).for(this.#terms.variables), source, terms);
    }
    if (errors.length > 0 || data !== null) return [];
    return completionErrors([place]).map(({ message, ...rest }) => new GraphQLError(message, rest));
  }
}

interface Shaping extends Delivery {
  errors: GraphQLError[];
  /** The number of values that did not fit the schema. */
  misfitCount: number;
}

const shapesOf = ({ run, shapes }: LivePart): Shapes => run.carriedOut ?? shapes;

const NOTHING: Promise<void> = Promise.resolve();
const NOT_BEGUN = { begun: NOTHING, fetched: NOTHING };

const BEYOND =
  "The answer is too large: from here on deferred fragments are left out. Ask for smaller pages.";

function tooLarge(message: string, path: ResponsePath): GraphQLError {
  const { extensions } = codedError("ANSWER_TOO_LARGE", message);
  return new GraphQLError(message, { ...(path.length > 0 && { path }), extensions });
}
