/**
 * The network between processes: loses, delays, doubles, reorders and refuses messages, and cuts hosts off.
 *
 * It implements `Send`, the one function through which services speak to one another, and keeps its contract:
 * an error says `refused` only where the message certainly was not acted on.
 */
import {
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from "@teranga/kit/http/transport.ts";
import type { Random } from "../harness/random.ts";
import { describeAnswer, describeRequest, nameOf } from "./describe.ts";
import type { Message, MessageAnswer, MessagePromises } from "./message-promises.ts";
import type { Life, Process } from "./processes.ts";
import { CITY_IDS } from "./shop.ts";
import type { Faults } from "./swarm.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** As kit/src/http/transport.ts has it. */
const DEADLINE_MS = 5_000;
/** A connection that ends without a word: the caller notices at its deadline. */
const SILENT_DEATH = 0.3;

export class Network {
  readonly #faults: () => Faults;
  readonly #processes = new Map<string, Process>();
  /** Hosts that nothing reaches and that reach nobody, and links (`from>to`) that carry nothing. */
  readonly #cutOff = new Set<string>();
  readonly #world: World;
  readonly #random: Random;
  #messages = 0;
  /** Told of each answer to a message of the protocol, when a city has made it. @throws Violation */
  onAnswer: MessagePromises["answered"] = () => {};

  constructor(world: World, random: Random, faults: () => Faults) {
    this.#world = world;
    this.#random = random;
    this.#faults = faults;
  }

  /** Makes a process reachable at `urlOf(its host)`. */
  add(process: Process): void {
    this.#processes.set(urlOf(process.host), process);
  }

  /** @param what a host or a link */
  cut(what: string): void {
    this.#world.note(what, "is cut off");
    this.#cutOff.add(what);
  }

  mend(what: string): void {
    if (this.#cutOff.delete(what)) this.#world.note(what, "is connected again");
  }

  mendAll(): void {
    for (const what of this.#cutOff) this.mend(what);
  }

  /** What a life of a process sends by. */
  sender(life: Life): Send {
    return (url, body, { deadlineMs = DEADLINE_MS } = {}) =>
      new Promise((resolve, reject) => {
        const operation = operationOf(body);
        const call = new Call({
          world: this.#world,
          life,
          number: ++this.#messages,
          operation,
          resolve,
          reject,
        });
        const target = this.#processes.get(url)!;
        this.#world.note(life.process.host, `#${call.number} → ${target.host} ${describeRequest(body)}`);
        call.endAt(deadlineMs);
        this.#transmit(call, target, JSON.stringify(body));
      });
  }

  #transmit(call: Call, target: Process, request: string): void {
    const faults = this.#faultsOf(call, target);
    // A second copy of a client's request could be acted on after the client was told that the first one was
    // refused.
    const copies = !call.isOfClient && this.#happens(faults.duplicated) ? 2 : 1;
    for (let copy = 1; copy <= copies; copy++) {
      if (this.#happens(faults.requestLost)) call.note("the request is lost");
      else {
        const isRefused = this.#happens(faults.refused);
        this.#world.schedule(this.#transitMs(faults) * copy, () => {
          if (this.#isCut(call.host, target.host)) return call.note("the request is cut off");
          // Only of a message that was sent once it is certain that it was not acted on.
          if (isRefused || !target.life) return copies === 1 ? this.#refuse(call) : undefined;
          this.#deliver(call, target, target.life, request);
        });
      }
    }
  }

  #refuse(call: Call): void {
    this.#world.schedule(this.#transitMs(this.#faults()), () =>
      call.fail(new TransportError("refused", "did not answer (ECONNREFUSED)", { fault: "no-connection" })),
    );
  }

  #deliver(call: Call, target: Process, life: Life, request: string): void {
    call.note(`reaches ${target.host}`);
    const hangUp = () => {
      if (this.#happens(SILENT_DEATH)) return;
      this.#world.schedule(this.#transitMs(this.#faults()), () =>
        call.fail(new TransportError("unknown", "did not answer (ECONNRESET)", { fault: "unable" })),
      );
    };
    life.atEnd.add(hangUp);
    void target.serve(request).then((answer) => {
      if (life.isOver) return;
      life.atEnd.delete(hangUp);
      const response = JSON.parse(answer) as SubgraphResponse;
      this.#look(request, response, target);
      const faults = this.#faultsOf(call, target);
      if (this.#happens(faults.answerLost)) return call.note("the answer is lost");
      this.#world.schedule(this.#transitMs(faults), () => {
        if (this.#isCut(target.host, call.host)) return call.note("the answer is cut off");
        call.succeed(response);
      });
    });
  }

  /** Looks at an answer that was made. Each message of a batch has an answer of its own, in its place. */
  #look(request: string, { data }: SubgraphResponse, target: Process): void {
    const body = JSON.parse(request) as SubgraphRequest;
    const { variables } = body;
    const name = operationOf(body);
    const [entries, answers] = [variables, data].map((of) => Object.values(of ?? {})[0] as unknown);
    if (isSecond(target) && data) this.#world.reach("a second instance of a city answers");
    if (!Array.isArray(answers)) {
      const type = (answers as { __typename?: string } | null | undefined)?.__typename;
      if (type) this.#world.reach(`${name} ${type}`);
      return;
    }
    if (!Array.isArray(entries)) return;
    for (const answer of answers) if (answer?.state) this.#world.reach(`${name} ${answer.state}`);
    if (entries.length > 1) this.#world.reach(`${name} together`);
    if (answers[0]?.transactionId === undefined) return;
    const idsOf = (list: { transactionId?: string }[]) => list.map((each) => each?.transactionId).join();
    if (idsOf(entries) !== idsOf(answers))
      this.#world.fail(new Violation(`asked for ${idsOf(entries)}, answered for ${idsOf(answers)}`));
    for (const [index, entry] of entries.entries()) this.#checkAnswer(name, target, entry, answers[index]);
  }

  #checkAnswer(name: string, { host }: Process, message: Message, answer: MessageAnswer): void {
    try {
      this.onAnswer(name, host.replace(/-2$/, ""), message, answer);
    } catch (violation) {
      this.#world.fail(violation);
    }
  }

  #isCut(from: string, to: string): boolean {
    return [from, to, linkOf(from, to)].some((what) => this.#cutOff.has(what));
  }

  /** The faults of now, as they are for a message and its answer. */
  #faultsOf({ operation }: Call, target: Process): Faults {
    const { host } = target;
    const faults = { ...this.#faults() };
    if (isSecond(target)) faults.refused = Math.max(faults.refused, faults.secondRefused);
    for (const { operations, cityId, fault } of faults.unlucky) {
      const isIt =
        operations.includes(operation) && (cityId === null || host === cityId || host === `${cityId}-2`);
      if (isIt) faults[fault] = Math.max(faults[fault], faults.unluckyRate);
    }
    return faults;
  }

  #transitMs({ late, lateMs, latencyMs }: Faults): number {
    return 0.2 + this.#random.next() * (this.#happens(late) ? lateMs : latencyMs);
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#random.next() < chance;
  }
}

interface CallOptions {
  world: World;
  life: Life;
  number: number;
  operation: string;
  resolve: (answer: SubgraphResponse) => void;
  reject: (error: TransportError) => void;
}

/** A request under way, as its caller sees it: it ends once. */
class Call {
  readonly number: number;
  /** Its operation's name. */
  readonly operation: string;
  readonly host: string;
  readonly #world: World;
  readonly #life: Life;
  readonly #resolve: (answer: SubgraphResponse) => void;
  readonly #reject: (error: TransportError) => void;
  readonly isOfClient: boolean;
  #isOver = false;
  #deadline = { cancel() {} };

  constructor({ world, life, number, operation, resolve, reject }: CallOptions) {
    this.#world = world;
    this.operation = operation;
    this.#life = life;
    this.number = number;
    this.host = life.process.host;
    this.isOfClient = life.process.isClient;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  endAt(deadlineMs: number): void {
    const late = () =>
      this.fail(
        new TransportError("unknown", `did not answer within ${deadlineMs} ms`, { fault: "timeout" }),
      );
    this.#deadline = this.#world.schedule(deadlineMs, late);
  }

  succeed(answer: SubgraphResponse): void {
    this.#end(`← ${describeAnswer(answer)}`, () => this.#resolve(answer));
  }

  fail(error: TransportError): void {
    this.#end(`✗ ${error.effect}: ${error.message}`, () => this.#reject(error));
  }

  note(what: string): void {
    this.#world.note(this.host, `#${this.number} ${what}`);
  }

  #end(what: string, run: () => void): void {
    if (this.#isOver || this.#life.isOver) return;
    this.#isOver = true;
    this.#deadline.cancel();
    this.note(what);
    this.#life.resume(run);
  }
}

function operationOf({ query, operationName }: SubgraphRequest): string {
  return operationName ?? nameOf(query);
}

function isSecond({ host }: Process): boolean {
  return CITY_IDS.some((cityId) => host === `${cityId}-2`);
}

export function linkOf(from: string, to: string): string {
  return `${from}>${to}`;
}

export function urlOf(host: string): string {
  return `http://${host}/graphql`;
}
