/**
 * The simulated mobile-money company in this process, with faults: it loses answers, is slow, stops in the
 * middle of its work, and starts again from its journal.
 */
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHttpProvider, type HttpProvider } from "@teranga/city/payments/http-provider.ts";
import type { Money } from "@teranga/city/payments/provider-contract.ts";
import { phoneOf } from "@teranga/city/payments/test-city.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { Books, type State } from "@teranga/mobile-money/books.ts";
import { createCompany } from "@teranga/mobile-money/service.ts";

/** The faults of the next messages. */
export interface Faults {
  /** Called when the work is done; returns whether the answer is lost. */
  losesAnswer: (message: string) => boolean | Promise<boolean>;
  /** Awaited before the message is read. */
  wait: (message: string) => Promise<unknown>;
}

const NO_FAULTS: Faults = { losesAnswer: () => false, wait: async () => {} };
export const SECRET = "a-secret-for-payments";
const HEALTH = "/health/";

export class FaultyCompany {
  faults: Faults = NO_FAULTS;
  /** The messages that have arrived, e.g. `authorise dakar:…`. */
  readonly received: string[] = [];
  readonly #directory: string;
  readonly #openingBalance: number;
  readonly #providers: HttpProvider[] = [];
  #running: { app: ReturnType<typeof createCompany>; books: Books } | undefined;
  #port = 0;

  private constructor(directory: string, openingBalance: number) {
    this.#directory = directory;
    this.#openingBalance = openingBalance;
  }

  /** @param openingBalance the initial balance of each subscriber */
  static async open(openingBalance = 0): Promise<FaultyCompany> {
    const company = new FaultyCompany(await mkdtemp(join(tmpdir(), "teranga-company-")), openingBalance);
    await company.start();
    return company;
  }

  /** Stops the company and its providers, and removes its journal. */
  async close(): Promise<void> {
    for (const provider of this.#providers) await provider.close();
    await this.stop();
    await rm(this.#directory, { recursive: true });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A provider that speaks to this company, as in a city's service. */
  provider(secret = SECRET): HttpProvider {
    const provider = createHttpProvider({ url: this.url, secret, clock: systemClock });
    this.#providers.push(provider);
    return provider;
  }

  /** Reads the journal and listens, on the same port as before. */
  async start(): Promise<void> {
    const books = new Books({
      journal: join(this.#directory, "journal"),
      openingBalance: this.#openingBalance,
    });
    const log = createLogger("test", process.env.TEST_LOG_LEVEL ?? "silent");
    const app = createCompany({ books, secret: SECRET, clock: systemClock, log });
    app.addHook("preHandler", async (request, reply) => {
      if (request.url.startsWith(HEALTH)) return;
      const message = request.url.slice(1);
      await this.faults.wait(message);
      // The company was stopped meanwhile: the process that had the request is gone.
      if (this.#running?.app !== app) return reply.hijack();
      this.received.push(`${message} ${JSON.parse(String(request.body)).idempotencyKey}`);
    });
    app.addHook("onSend", async (request) => {
      if (await this.faults.losesAnswer(request.url.slice(1))) request.raw.socket.destroy();
    });
    await app.listen({ port: this.#port, host: "127.0.0.1" });
    this.#port = (app.server.address() as AddressInfo).port;
    this.#running = { app, books };
  }

  /** Stops at once, as in a crash. Requests under way get no answer. The journal is kept. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    const { app, books } = this.#running;
    this.#running = undefined;
    const closed = app.close();
    app.server.closeAllConnections();
    await closed;
    books.close();
  }

  heal(): void {
    this.faults = NO_FAULTS;
  }

  break(faults: Partial<Faults>): void {
    this.faults = { ...NO_FAULTS, ...faults };
  }

  giveMoney(clientId: string, amount: number): void {
    this.#running!.books.giveMoney(phoneOf(clientId), amount);
  }

  moneyOf(clientId: string): Money {
    return this.#running!.books.moneyOf(phoneOf(clientId));
  }

  stateOf(transactionId: string): State | undefined {
    return this.#running!.books.stateOf(transactionId);
  }
}
