/**
 * A thread that validates and plans large operations, so that no other request waits for them. The largest
 * that the limits allow take up to 200 ms each. The thread starts with the first large operation and ends
 * when none has come for a while.
 */
import { Worker } from "node:worker_threads";
import type { QueryPlan } from "@apollo/query-planner";
import { digest } from "@teranga/kit/process/digest.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type DocumentNode, GraphQLError, print, type SourceLocation } from "graphql";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { limitExceeded } from "../ground/limits.ts";
import { Turns } from "../ground/turns.ts";
import type { ClientTerms } from "../validation/validation.ts";

/** A new thread takes about a second to start, and 100 MB. */
const IDLE_MS = 60_000;
/** As long as a request may take. The largest pieces take 200 ms, and the thread a second to start. */
const ANSWER_MS = 15_000;
/** Validating and planning the largest operations fits into 48 MB. */
const HEAP_MB = 256;

/**
 * How long a failed piece is not tried again. A client may repeat without end an operation that holds the
 * thread for 15 s. A thread that could not begin with the piece says nothing about the piece.
 */
const REMEMBERED_MS = 60_000;
/** Each takes a few kilobytes: errors are cut, and there are ten at most. */
const REMEMBERED_MAX = 256;

const PROGRAM = new URL("./side-thread-main.ts", import.meta.url);

export type Order = { kind: "validate"; text: string; terms: ClientTerms } | { kind: "plan"; text: string };

/** The data of a GraphQLError: errors lose their class between threads. */
export interface ToldError {
  message: string;
  locations: readonly SourceLocation[] | undefined;
  extensions: GraphQLError["extensions"];
}

export type Answer =
  | { kind: "validated"; errors: readonly ToldError[] }
  | { kind: "planned"; plan: QueryPlan }
  | { kind: "refused"; error: ToldError }
  | { kind: "failed"; error: unknown };

/** The thread's word before it carries out an order. */
export const BEGUN = { kind: "begun" } as const;

export interface SideThreadTerms {
  log?: Logger | undefined;
  /** The program that the thread runs. */
  program?: URL;
  heapMb?: number;
  nowMs?: () => number;
}

/** The answer to a failed piece. */
interface Remembered {
  answer: Answer;
  untilMs: number;
}

export class SideThread {
  readonly #supergraphSdl: string;
  readonly #terms: SideThreadTerms;
  readonly #turns = new Turns(async () => {});
  readonly #remembered = new BoundedCache<Remembered>({
    entriesMax: REMEMBERED_MAX,
    weightMax: REMEMBERED_MAX,
    weigh: () => 1,
  });
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(supergraphSdl: string, terms: SideThreadTerms = {}) {
    this.#supergraphSdl = supergraphSdl;
    this.#terms = terms;
  }

  /** The errors of a document. @throws GraphQLError if too many pieces are waiting */
  async validate(text: string, terms: ClientTerms): Promise<readonly GraphQLError[]> {
    const answer = await this.#ask({ kind: "validate", text, terms }, text.length);
    return answer.kind === "validated" ? answer.errors.map(errorOf) : unexpected(answer);
  }

  /** @throws GraphQLError if the planner refuses the operation, or too many pieces are waiting */
  async plan(document: DocumentNode): Promise<QueryPlan> {
    const text = print(document);
    const answer = await this.#ask({ kind: "plan", text }, text.length);
    return answer.kind === "planned" ? answer.plan : unexpected(answer);
  }

  async #ask(order: Order, size: number): Promise<Answer> {
    const key = digest([JSON.stringify(order)]);
    // If the same piece was sent twice at once and the first one failed, the second finds that answer when
    // its turn comes.
    return (
      this.#recall(key) ?? this.#turns.next(size, async () => this.#recall(key) ?? this.#new(key, order))
    );
  }

  /** The recent answer to a piece, if the piece failed. */
  #recall(key: string): Answer | undefined {
    const known = this.#remembered.find(key);
    return known && known.untilMs > this.#nowMs() ? known.answer : undefined;
  }

  async #new(key: string, order: Order): Promise<Answer> {
    let hasBegun = false;
    const onBegun = () => {
      hasBegun = true;
    };
    const answer = await this.#carryOut(order, onBegun).catch((error): Answer => ({ kind: "failed", error }));
    if (hasBegun && cameToNothing(answer)) {
      this.#remembered.put(key, { answer, untilMs: this.#nowMs() + REMEMBERED_MS });
    }
    return answer;
  }

  async #carryOut(order: Order, onBegun: () => void): Promise<Answer> {
    clearTimeout(this.#idle);
    const worker = this.#running();
    worker.ref();
    try {
      return await answerOf(worker, order, onBegun);
    } catch (error) {
      // The thread has ended, or does not finish. In both cases the next piece starts a new thread.
      await this.#end();
      throw error;
    } finally {
      worker.unref();
      this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
    }
  }

  #nowMs(): number {
    return (this.#terms.nowMs ?? performance.now.bind(performance))();
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const { log, program = PROGRAM, heapMb = HEAP_MB } = this.#terms;
    const resourceLimits = { maxOldGenerationSizeMb: heapMb };
    const worker = new Worker(program, { workerData: this.#supergraphSdl, resourceLimits });
    const forget = () => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    // Also for a thread that no piece waits for: an unhandled error event ends the process.
    worker.on("error", (error) => {
      forget();
      // A client's operation that takes too much memory is refused, and no fault of ours.
      log?.[isOutOfMemory(error) ? "warn" : "error"]({ err: error }, "the side thread failed");
    });
    worker.on("exit", forget);
    this.#worker = worker;
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/**
 * @throws GraphQLError if the piece takes too much time or memory; Error if the thread ends before it answers
 */
function answerOf(worker: Worker, order: Order, onBegun: () => void): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const ended = (code: number) => reject(new Error(`the side thread has ended with code ${code}`));
  const late = () => reject(limitExceeded("workMs", ANSWER_MS + 1, ANSWER_MS));
  const heapMb = worker.resourceLimits!.maxOldGenerationSizeMb!;
  const failed = (error: Error) =>
    reject(isOutOfMemory(error) ? limitExceeded("workMb", heapMb + 1, heapMb) : error);
  const timer = setTimeout(late, ANSWER_MS);
  const hear = (said: Answer | typeof BEGUN) => (said.kind === "begun" ? onBegun() : resolve(said));
  worker.on("message", hear).on("error", failed).on("exit", ended);
  worker.postMessage(order);
  return promise.finally(() => {
    clearTimeout(timer);
    worker.off("message", hear).off("error", failed).off("exit", ended);
  });
}

const isOutOfMemory = (error: NodeJS.ErrnoException): boolean => error.code === "ERR_WORKER_OUT_OF_MEMORY";

function cameToNothing(answer: Answer): boolean {
  switch (answer.kind) {
    case "refused":
    case "failed":
      return true;
    case "validated":
      return answer.errors.length > 0;
    case "planned":
      return false;
    default:
      return answer satisfies never;
  }
}

function unexpected(answer: Answer): never {
  if (answer.kind === "refused") throw errorOf(answer.error);
  throw answer.kind === "failed" ? answer.error : new Error(`the side thread has answered "${answer.kind}"`);
}

function errorOf({ message, locations, extensions }: ToldError): GraphQLError {
  const error = new GraphQLError(message, { extensions });
  return Object.defineProperty(error, "locations", { value: locations, enumerable: true });
}
