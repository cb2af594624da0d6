/**
 * A thread that validates and plans large operations, where nobody waits for it: the largest that the limits allow take up to 200 ms each. It
 * begins with the first of them, and ends when none has come for a while.
 */
import { Worker } from "node:worker_threads";
import type { QueryPlan } from "@apollo/query-planner";
import { type DocumentNode, GraphQLError, print, type SourceLocation } from "graphql";
import type { ClientTerms } from "../surface/validation.ts";
import { Turns } from "./turns.ts";

/** It takes about a second to begin, and 100 MB. */
const IDLE_MS = 60_000;

export type Order = { kind: "validate"; text: string; terms: ClientTerms } | { kind: "plan"; text: string };

/** A GraphQLError: errors keep no class between threads. */
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

export class SideThread {
  readonly #supergraphSdl: string;
  readonly #turns = new Turns(async () => {});
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(supergraphSdl: string) {
    this.#supergraphSdl = supergraphSdl;
  }

  /** What is wrong with a document. @throws GraphQLError if too many are waiting */
  async validate(text: string, terms: ClientTerms): Promise<readonly GraphQLError[]> {
    const answer = await this.#ask({ kind: "validate", text, terms }, text.length);
    return answer.kind === "validated" ? answer.errors.map(errorOf) : unexpected(answer);
  }

  /** @throws GraphQLError if the planner refuses the operation, or too many are waiting */
  async plan(document: DocumentNode): Promise<QueryPlan> {
    const text = print(document);
    const answer = await this.#ask({ kind: "plan", text }, text.length);
    return answer.kind === "planned" ? answer.plan : unexpected(answer);
  }

  #ask(order: Order, size: number): Promise<Answer> {
    return this.#turns.next(size, async () => {
      clearTimeout(this.#idle);
      const worker = this.#running();
      worker.ref();
      try {
        return await answerOf(worker, order);
      } finally {
        worker.unref();
        this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
      }
    });
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const program = new URL("./side-thread-main.ts", import.meta.url);
    const worker = new Worker(program, { workerData: this.#supergraphSdl });
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function answerOf(worker: Worker, order: Order): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      worker.off("message", settle).off("error", fail).off("exit", ended);
      resolve(answer);
    };
    const fail = (error: unknown) => settle({ kind: "failed", error });
    const ended = (code: number) => fail(new Error(`the side thread has ended with code ${code}`));
    worker.on("message", settle).on("error", fail).on("exit", ended);
    worker.postMessage(order);
  });
}

function unexpected(answer: Answer): never {
  if (answer.kind === "refused") throw errorOf(answer.error);
  throw answer.kind === "failed" ? answer.error : new Error(`the side thread has answered "${answer.kind}"`);
}

function errorOf({ message, locations, extensions }: ToldError): GraphQLError {
  const error = new GraphQLError(message, { extensions });
  return Object.defineProperty(error, "locations", { value: locations, enumerable: true });
}
