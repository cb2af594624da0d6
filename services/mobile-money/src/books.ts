/**
 * The books of the simulated company: the money of its subscribers, and the state of each payment. They are
 * kept in a journal, which is written to the disk before any answer and read again at the next start.
 */
import fs, { closeSync, openSync, readFileSync } from "node:fs";

export type State = "DECLINED" | "AUTHORISED" | "CAPTURED" | "VOIDED" | "REFUNDED";
export type Settlement = "capture" | "void" | "refund";

/** How a subscriber's money is divided. */
export interface Money {
  free: number;
  held: number;
  taken: number;
}

export interface Payment {
  state: State;
  amount: number;
  /**
   * The payer's telephone number. Null if the void came before the authorise, because
   * a void does not name the payer.
   */
  payer: string | null;
}

/** One line of the journal: money given to a subscriber, or the new state of a payment. */
type Entry = { given: number; payer: string } | ({ payment: string } & Payment);

/** What writes the journal. Tests let it fail. */
export interface Disk {
  /** Returns how many of the bytes were written. */
  writeSync(file: number, bytes: Uint8Array, offset: number, length: number): number;
  fsyncSync(file: number): void;
  ftruncateSync(file: number, length: number): void;
}

export interface BooksOptions {
  /** The path of the journal, which is made if it is missing. */
  journal: string;
  /** The money that each subscriber has at first. */
  openingBalance: number;
  /** The most payments that the books hold. */
  paymentsMax?: number;
  disk?: Disk;
}

/** 300 bytes each: 30 MB of memory, and as much on the disk. */
const PAYMENTS_MAX = 100_000;
const FILE_MODE = 0o600;

/** There is no room for another payment. Nothing was changed. */
export class BooksFull extends Error {}

/** The journal could not be written, so nothing was changed and nothing may be answered. */
export class NotRecorded extends Error {}

export class Books {
  readonly #openingBalance: number;
  readonly #paymentsMax: number;
  readonly #disk: Disk;
  readonly #file: number;
  readonly #accounts = new Map<string, Money>();
  readonly #payments = new Map<string, Payment>();
  /** The length of the journal's whole lines. */
  #length: number;
  /** True if the journal may hold a line that was not applied. Only a new start can tell. */
  #isUnsure = false;

  constructor({ journal, openingBalance, paymentsMax = PAYMENTS_MAX, disk = fs }: BooksOptions) {
    this.#openingBalance = openingBalance;
    this.#paymentsMax = paymentsMax;
    this.#disk = disk;
    this.#file = openSync(journal, "a+", FILE_MODE);
    const bytes = readFileSync(this.#file);
    // A last line without its end was cut off by a crash. It was never answered, so it does not count.
    const whole = bytes.subarray(0, bytes.lastIndexOf("\n") + 1);
    this.#length = whole.length;
    disk.ftruncateSync(this.#file, this.#length);
    for (const line of whole.toString().split("\n")) if (line !== "") this.#apply(JSON.parse(line) as Entry);
  }

  close(): void {
    closeSync(this.#file);
  }

  giveMoney(payer: string, given: number): void {
    this.#write({ given, payer });
  }

  moneyOf(payer: string): Money {
    return { ...(this.#accounts.get(payer) ?? this.#opened()) };
  }

  stateOf(payment: string): State | undefined {
    return this.#payments.get(payment)?.state;
  }

  /** @throws BooksFull, NotRecorded */
  authorise(payment: string, payer: string, amount: number): "AUTHORISED" | "DECLINED" | "VIOLATION" {
    const known = this.#known(payment);
    if (known === undefined) {
      const state = this.moneyOf(payer).free >= amount ? "AUTHORISED" : "DECLINED";
      this.#write({ payment, state, payer, amount });
      return state;
    }
    if (known.payer === null) return "DECLINED";
    if (known.payer !== payer || known.amount !== amount) return "VIOLATION";
    return known.state === "AUTHORISED" || known.state === "CAPTURED" ? "AUTHORISED" : "DECLINED";
  }

  /** @throws BooksFull, NotRecorded */
  settle(payment: string, message: Settlement): "DONE" | "VIOLATION" {
    const known = this.#known(payment);
    const become = (state: State) => {
      this.#write({ payment, payer: known?.payer ?? null, amount: known?.amount ?? 0, state });
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
        return become(({ capture: "CAPTURED", void: "VOIDED", refund: "REFUNDED" } as const)[message]);
      case "CAPTURED":
        if (message === "refund") return become("REFUNDED");
        return message === "capture" ? "DONE" : "VIOLATION";
      case "REFUNDED":
        return message === "void" ? "VIOLATION" : "DONE";
      default:
        throw new Error(`a payment is ${state satisfies never}`);
    }
  }

  #known(payment: string): Payment | undefined {
    this.#assertSure();
    return this.#payments.get(payment);
  }

  #assertSure(): void {
    if (this.#isUnsure) throw new NotRecorded("the journal could not be mended; start again");
  }

  #write(entry: Entry): void {
    this.#assertSure();
    const isNew = "payment" in entry && !this.#payments.has(entry.payment);
    if (isNew && this.#payments.size >= this.#paymentsMax) throw new BooksFull("the books are full");
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      this.#append(line);
    } catch (error) {
      this.#cutOff();
      throw new NotRecorded(`the journal cannot be written (${(error as Error).message})`);
    }
    this.#length += line.length;
    this.#apply(entry);
  }

  /** A write may take only some of the bytes, for example when the disk is nearly full. */
  #append(line: Uint8Array): void {
    for (let written = 0; written < line.length; ) {
      const count = this.#disk.writeSync(this.#file, line, written, line.length - written);
      if (count === 0) throw new Error("no byte was written");
      written += count;
    }
    this.#disk.fsyncSync(this.#file);
  }

  /** Removes what a failed write has left. The next line would otherwise continue a broken one. */
  #cutOff(): void {
    try {
      this.#disk.ftruncateSync(this.#file, this.#length);
      this.#disk.fsyncSync(this.#file);
    } catch {
      this.#isUnsure = true;
    }
  }

  #apply(entry: Entry): void {
    if ("given" in entry) {
      this.#account(entry.payer).free += entry.given;
      return;
    }
    const { payment, state, amount, payer } = entry;
    if (payer !== null) {
      this.#move(payer, this.#payments.get(payment)?.state, -amount);
      this.#move(payer, state, amount);
    }
    this.#payments.set(payment, { state, amount, payer });
  }

  /** Moves a payment's share of the subscriber's money, as this state demands. */
  #move(payer: string, state: State | undefined, amount: number): void {
    const place = state === "AUTHORISED" ? "held" : state === "CAPTURED" ? "taken" : undefined;
    if (!place) return;
    const account = this.#account(payer);
    account[place] += amount;
    account.free -= amount;
  }

  #account(payer: string): Money {
    const account = this.#accounts.get(payer) ?? this.#opened();
    this.#accounts.set(payer, account);
    return account;
  }

  #opened(): Money {
    return { free: this.#openingBalance, held: 0, taken: 0 };
  }
}
