/**
 * The shop in a world: network, services, databases and catalog of one run, under the faults that it was
 * given.
 */
import { brokenInvariants } from "@teranga/infra/broken-invariants.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { Random } from "../harness/random.ts";
import { Catalog } from "./catalog.ts";
import { openAccess } from "./database-access.ts";
import { History } from "./history.ts";
import { linkOf, Network } from "./network.ts";
import { type Life, Process, type ProcessOptions, wrongTime } from "./processes.ts";
import { Promises } from "./promises.ts";
import { bootCity, bootOrders } from "./services.ts";
import { CITY_IDS, type CitySeed, hostsOf, ORCHESTRATORS, placementOf } from "./shop.ts";
import type { Stage } from "./stage.ts";
import { CALM, type Faults } from "./swarm.ts";
import { promise, Violation } from "./violation.ts";
import { Watch } from "./watch.ts";
import { createWatchfulLog } from "./watchful-log.ts";
import { World } from "./world.ts";

/** A process that is started again comes back within this time, mostly much sooner. */
const RESTART_MAX_MS = 15_000;

export class ShopWorld {
  readonly world = new World(new History());
  readonly watch = new Watch(this.world);
  readonly promises = new Promises(this.watch.model);
  readonly network: Network;
  readonly catalog: Catalog;
  readonly processes = new Map<string, Process>();
  readonly placement: PartitionPlacement;
  /** The faults of now. */
  faults: Faults;
  isHealed = false;
  /** Cities whose databases are away. */
  readonly #databasesAway = new Set<string>();
  readonly #random: Random;
  readonly #stage: Stage;

  constructor(stage: Stage, random: Random, faults: Faults) {
    this.#stage = stage;
    this.#random = random;
    this.faults = faults;
    this.placement = placementOf(faults.instances);
    this.network = new Network(this.world, random.fork("network"), () => this.faults);
    this.catalog = new Catalog(stage.catalog);
  }

  /** Empties the databases and starts everything. */
  async open(seeds: ReadonlyMap<string, CitySeed>): Promise<void> {
    this.network.onAnswer = (...answer) => this.watch.messages.answered(...answer);
    this.watch.onCommit = (detail) => {
      this.promises.committed(detail);
      this.catalog.checkPrices(detail);
    };
    this.#stage.onFault = (error) => this.world.fail(new Violation(`a fault of a service: ${error.stack}`));
    for (const [cityId, database] of this.#stage.databases) {
      database.nowMs = wrongTime(this.world, this.#drawClock(`database of ${cityId}`));
      this.watch.see(database, await database.reset(seeds.get(cityId)!));
    }
    this.watch.writes = 0;
    this.add("catalog", { boot: () => (request) => this.catalog.serve(request) });
    const log = createWatchfulLog((line) => this.world.fail(new Violation(`an alarm: ${line}`)));
    for (const [cityId, database] of this.#stage.databases) {
      const means = {
        cityId,
        placement: this.placement,
        network: this.network,
        databaseOf: (life: Life) => this.#openDatabase(cityId, life),
        endpoint: this.#stage.endpoints.cities.get(cityId)!,
        log,
        hasWork: () => this.watch.hasWork(cityId),
        isDue: () => this.watch.cityOf(cityId).isDue(database.nowMs()),
        isCalm: this.faults.isCalm,
        horizonMs: this.faults.horizonMs,
        isPrunable: (keptMs: number) => this.watch.cityOf(cityId).isPrunable(database.nowMs(), keptMs),
      };
      for (const host of this.hostsOf(cityId)) {
        this.add(host, {
          boot: (life) => bootCity(means, life),
          clock: this.#drawClock(host),
          strike: this.#dice(`${host} dies`, () => this.faults.cityKilled),
          restartAfterMs: this.#restart(host, () => true),
          onDeath: () => this.faults.isOneMachine && this.#kill(this.hostsOf(cityId)),
        });
      }
    }
    const means = {
      placement: this.placement,
      network: this.network,
      endpoint: this.#stage.endpoints.orders,
      log,
    };
    for (const host of ORCHESTRATORS) {
      this.add(host, {
        boot: (life) => bootOrders(means, life),
        clock: this.#drawClock(host),
        strike: this.#dice(`${host} dies`, () => this.faults.ordersKilled),
        restartAfterMs: this.#restart(host, () => this.faults.ordersRestart),
      });
    }
  }

  /** Counts which branches of the SQL functions the run has taken. */
  async countBranches(): Promise<void> {
    for (const database of this.#stage.databases.values()) {
      for (const [name, count] of await database.takeBranches()) this.world.reach(name, count);
    }
  }

  /** What must hold in the databases at any time. @throws Violation */
  async checkInvariants(): Promise<void> {
    const databases = new Map(Array.from(this.#stage.databases, ([cityId, { sql }]) => [cityId, sql]));
    const broken = await brokenInvariants(databases);
    promise(broken.length === 0, () => broken.join("; "));
  }

  /** What the checks have looked at is what the databases hold. @throws Violation */
  async checkMirrors(): Promise<void> {
    for (const [cityId, database] of this.#stage.databases) {
      const unlike = await database.unlikeMirror();
      promise(unlike.length === 0, () => `${cityId} has changed behind the checks: ${unlike.join(", ")}`);
    }
  }

  /** Where a city's service runs. */
  hostsOf(cityId: string): string[] {
    return hostsOf(cityId, this.placement.partitions[0]!.urls.length);
  }

  #kill(hosts: readonly string[]): void {
    for (const host of hosts) this.processes.get(host)?.kill();
  }

  /** Adds a process and starts it. One that is told nothing else has the true time and lives for ever. */
  add(host: string, options: Pick<ProcessOptions, "boot"> & Partial<ProcessOptions>): Process {
    const process = new Process({
      world: this.world,
      host,
      random: this.#random.fork(host),
      clock: { offsetMs: 0, drift: 0 },
      strike: () => false,
      restartAfterMs: () => null,
      ...options,
    });
    this.processes.set(host, process);
    this.network.add(process);
    process.start();
    return process;
  }

  /**
   * Calm weather from now on: nothing is lost any more, nobody dies, the cities run. Clocks stay as they are.
   */
  heal(): void {
    this.world.note("world", "heals");
    const { ordersRestart } = this.faults;
    this.isHealed = true;
    this.faults = CALM;
    this.network.mendAll();
    this.#databasesAway.clear();
    for (const process of this.processes.values()) {
      if (ordersRestart || !ORCHESTRATORS.includes(process.host)) process.start();
    }
  }

  /** Cuts processes, links and databases off, and connects them again. */
  scheduleCuts(withinMs: number): void {
    const random = this.#random.fork("cuts");
    const { cuts, cutMs, deafness, outages } = this.faults;
    const cities = this.#cityHosts();
    const speakers = [...cities, ...ORCHESTRATORS];
    const schedule = (begin: () => void, end: () => void) => {
      const beginMs = random.next() * withinMs;
      this.world.schedule(beginMs, () => this.isHealed || begin());
      this.world.schedule(beginMs + random.next() * cutMs, end);
    };
    const cut = (what: string) =>
      schedule(
        () => this.network.cut(what),
        () => this.network.mend(what),
      );
    for (let count = 0; count < cuts; count++) {
      cut(random.pick([...cities, ...cities, ...ORCHESTRATORS, "catalog"]));
    }
    for (let count = 0; count < deafness; count++) cut(linkOf(random.pick(speakers), random.pick(speakers)));
    for (let count = 0; count < outages; count++) {
      const cityId = random.pick(CITY_IDS);
      schedule(
        () => this.#databasesAway.add(cityId),
        () => this.#databasesAway.delete(cityId),
      );
    }
  }

  #cityHosts(): string[] {
    return CITY_IDS.flatMap((cityId) => this.hostsOf(cityId));
  }

  #openDatabase(cityId: string, life: Life) {
    const { host, kills } = life.process;
    const random = this.#random.fork(`database of ${host} ${kills}`);
    const database = this.#stage.databases.get(cityId)!;
    const isAway = () => this.#databasesAway.has(cityId);
    return openAccess({ database, watch: this.watch, random, faults: () => this.faults, isAway }, life);
  }

  #drawClock(host: string): ProcessOptions["clock"] {
    const random = this.#random.fork(`clock of ${host}`);
    const { clockOffsetMs, clockDrift } = this.faults;
    // Often as far as can be: a clock that is wrong by little less than a lease does nothing.
    const around = (most: number) => random.pick([-1, 2 * random.next() - 1, 1]) * most;
    return { offsetMs: around(clockOffsetMs), drift: around(clockDrift) };
  }

  /** Throws a die of its own at each call. */
  #dice(name: string, chance: () => number): () => boolean {
    const random = this.#random.fork(name);
    return () => chance() > 0 && random.next() < chance();
  }

  #restart(host: string, isRestarted: () => boolean): () => number | null {
    const random = this.#random.fork(`restart of ${host}`);
    return () => (isRestarted() ? RESTART_MAX_MS * random.next() ** 3 : null);
  }
}
