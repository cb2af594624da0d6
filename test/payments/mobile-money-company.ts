/**
 * A mobile-money company, for tests: a real HTTP service with a durable journal of its own, written before it answers. It can lose
 * answers, be slow, decline, and be stopped and started again on its journal.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Money } from "@teranga/city/payments/provider-contract.ts";

type State = "DECLINED" | "AUTHORISED" | "CAPTURED" | "VOIDED" | "REFUNDED";

/** What the journal holds, a line each: money that came to a client, and how a payment stands now. */
type Entry =
  | { given: number; clientId: string }
  | { payment: string; state: State; clientId: string | null; amount: number };

type Payment = Omit<Extract<Entry, { payment: string }>, "payment">;

/** What goes wrong with the next requests. */
export interface Faults {
  /** When the work is done: whether the answer never leaves. */
  losesAnswer: (message: string) => boolean | Promise<boolean>;
  /** Before the message is looked at. */
  wait: (message: string) => Promise<unknown>;
  /** Whether every payment is declined, whatever the client has. */
  declines: boolean;
}

const NO_FAULTS: Faults = { losesAnswer: () => false, wait: async () => {}, declines: false };
const PATH = /^\/payments\/([^/]+)\/(authorise|capture|void|refund)$/;

export class MobileMoneyCompany {
  faults: Faults = NO_FAULTS;
  /** The messages that arrived, e.g. `authorise dakar:…`. */
  readonly received: string[] = [];
  readonly #journal: string;
  readonly #given = new Map<string, number>();
  readonly #payments = new Map<string, Payment>();
  #server: Server | undefined;
  #file = 0;
  #port = 0;

  /** @param journal the path of its journal, which is made if there is none */
  constructor(journal: string) {
    this.#journal = journal;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Reads the journal and listens, on the same port as before. */
  async start(): Promise<void> {
    this.#file = openSync(this.#journal, "a+");
    this.#given.clear();
    this.#payments.clear();
    for (const line of readFileSync(this.#journal, "utf8").split("\n").filter(Boolean)) {
      this.#apply(JSON.parse(line) as Entry);
    }
    const server = createServer((request, response) => {
      this.#answer(request).then(
        (answer) => (answer === null ? response.destroy() : response.end(JSON.stringify({ answer }))),
        () => response.writeHead(500).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops at once, as in a crash: requests under way get no answer. What is in the journal is kept. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    closeSync(this.#file);
  }

  heal(): void {
    this.faults = NO_FAULTS;
  }

  break(faults: Partial<Faults>): void {
    this.faults = { ...NO_FAULTS, ...faults };
  }

  giveMoney(clientId: string, amount: number): void {
    this.#write({ given: amount, clientId });
  }

  moneyOf(clientId: string): Money {
    const inState = (wanted: State) =>
      this.#payments
        .values()
        .filter((payment) => payment.clientId === clientId && payment.state === wanted)
        .reduce((sum, { amount }) => sum + amount, 0);
    const [held, taken] = [inState("AUTHORISED"), inState("CAPTURED")];
    return { free: (this.#given.get(clientId) ?? 0) - held - taken, held, taken };
  }

  stateOf(transactionId: string): State | undefined {
    return this.#payments.get(transactionId)?.state;
  }

  /** Null if the answer is lost. */
  async #answer(request: IncomingMessage): Promise<string | null> {
    const [, id, message] = PATH.exec(request.url ?? "") ?? [];
    if (id === undefined || message === undefined) throw new Error("no such path");
    const transactionId = decodeURIComponent(id);
    const body = JSON.parse(await text(request)) as { clientId: string; amount: number };
    await this.faults.wait(message);
    // Stopped meanwhile: the process that had the request is gone.
    if (!this.#server) return null;
    this.received.push(`${message} ${transactionId}`);
    const answer =
      message === "authorise" ? this.#authorise(transactionId, body) : this.#settle(transactionId, message);
    return (await this.faults.losesAnswer(message)) ? null : answer;
  }

  #authorise(id: string, { clientId, amount }: { clientId: string; amount: number }): string {
    const known = this.#payments.get(id);
    if (known === undefined) {
      const hasMoney = this.moneyOf(clientId).free >= amount && !this.faults.declines;
      const state = hasMoney ? "AUTHORISED" : "DECLINED";
      this.#write({ payment: id, state, clientId, amount });
      return state;
    }
    if (known.clientId === null) return "DECLINED";
    if (known.clientId !== clientId || known.amount !== amount) return "VIOLATION";
    return known.state === "AUTHORISED" || known.state === "CAPTURED" ? "AUTHORISED" : "DECLINED";
  }

  #settle(id: string, message: string): "DONE" | "VIOLATION" {
    const known = this.#payments.get(id);
    const become = (state: State) => {
      this.#write({ payment: id, ...(known ?? { clientId: null, amount: 0 }), state });
      return "DONE" as const;
    };
    const state = known?.state;
    switch (state) {
      case undefined:
        return message === "void" ? become("VOIDED") : "VIOLATION";
      case "DECLINED":
      case "VOIDED":
        return message === "void" ? "DONE" : "VIOLATION";
      case "AUTHORISED":
        return become(message === "capture" ? "CAPTURED" : message === "void" ? "VOIDED" : "REFUNDED");
      case "CAPTURED":
        if (message === "refund") return become("REFUNDED");
        return message === "capture" ? "DONE" : "VIOLATION";
      case "REFUNDED":
        return message === "void" ? "VIOLATION" : "DONE";
      default:
        throw new Error(`a payment is ${state satisfies never}`);
    }
  }

  #write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.#file);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if ("given" in entry) {
      this.#given.set(entry.clientId, (this.#given.get(entry.clientId) ?? 0) + entry.given);
    } else {
      const { payment, ...rest } = entry;
      this.#payments.set(payment, rest);
    }
  }
}
