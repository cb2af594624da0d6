/**
 * A network that loses, delays and refuses chosen messages, one by one, so that a test can try each in turn.
 */
import { TransportError } from "@teranga/kit/http/transport.ts";

/**
 * The fate of one message.
 * - `refuse`: it certainly never arrives.
 * - `lose`: it never arrives, but the sender cannot know that.
 * - `lose-answer`: it takes effect, and its answer is lost.
 * - `late`: it counts as lost, and takes effect when all is over. `soon`: it takes
 *   effect after the next message.
 * - `steal`: another order takes all stock of the city just before it.
 * - `fence`: the participants of every transaction ask its home for the outcome just before it.
 */
export const FAULTS = ["refuse", "lose", "lose-answer", "late", "soon", "steal", "fence"] as const;
export type Fault = (typeof FAULTS)[number];
/** The fault of a message, by its number (the first is 0) and its name, e.g. `commit dakar`. */
export type FaultScript = (number: number, message: string) => Fault | undefined;

export interface Carried<Answer> {
  /** For example `prepare thies`. */
  name: string;
  /** The effect of the message where it arrives. */
  effect: () => Answer;
  /** The effects of the faults with these names. */
  steal: () => void;
  fence: () => void;
  /** Called unless the sender can be sure that the message never arrives. */
  mayArrive?: () => void;
}

export class FaultyNetwork {
  /** Every message in the order of sending. */
  readonly sent: string[] = [];
  script: FaultScript = () => undefined;
  readonly #late: (() => unknown)[] = [];
  #soon: (() => unknown)[] = [];

  async carry<Answer>({ name, effect, steal, fence, mayArrive }: Carried<Answer>): Promise<Answer> {
    const fault = this.script(this.sent.push(name) - 1, name);
    const overdue = this.#soon;
    this.#soon = [];
    if (fault !== "refuse") mayArrive?.();
    await Promise.resolve();
    if (fault === "steal") steal();
    if (fault === "fence") fence();
    const arrives = fault === undefined || fault === "steal" || fault === "fence" || fault === "lose-answer";
    const answer = arrives ? effect() : undefined;
    for (const earlier of overdue) earlier();
    if (arrives && fault !== "lose-answer") return answer as Answer;
    if (fault === "late") this.#late.push(effect);
    if (fault === "soon") this.#soon.push(effect);
    throw new TransportError(fault === "refuse" ? "refused" : "unknown", `${name} has no answer (${fault})`);
  }

  /** Delivers the delayed messages, and causes no faults from now on. */
  heal(): void {
    this.script = () => undefined;
    for (const effect of [...this.#soon, ...this.#late]) effect();
    this.#soon = [];
    this.#late.length = 0;
  }
}
