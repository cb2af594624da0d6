/** A state of the model, how it is changed, and how two states are found equal. */
import {
  CITIES,
  type City,
  type Decision,
  type Hold,
  type Message,
  type Orchestrator,
  type Participation,
  type Payment,
  type World,
} from "./world.ts";

export interface CityState {
  onHand: number;
  reserved: number;
  /** By transaction. */
  participations: Participation[];
  isBehindHorizon: boolean;
}

export interface State {
  /** Every message that was ever sent, in the order of their numbers. */
  sent: readonly Numbered[];
  /** By attempt. */
  orchestrators: Orchestrator[];
  /** By transaction, as all that follows. */
  decisions: Decision[];
  cities: Record<City, CityState>;
  payments: Payment[];
  holds: Hold[];
  balance: number;
  /** A message that contradicts what its receiver has recorded, which the code answers VIOLATION. */
  violation: string | null;
}

export interface Step {
  /** What happens, for the trace. */
  label: string;
  next: State;
}

export function initialState({ attempts, stock, balance }: World): State {
  const each = <Value>(value: Value): Value[] => attempts.map(() => value);
  const city = (onHand: number): CityState => ({
    onHand,
    reserved: 0,
    participations: each("NONE"),
    isBehindHorizon: false,
  });
  return {
    sent: [],
    orchestrators: each({ state: "idle" }),
    decisions: each({ state: "NONE" }),
    cities: { dakar: city(stock.dakar), thies: city(stock.thies), mbour: city(stock.mbour) },
    payments: each("NONE"),
    holds: each("NONE"),
    balance,
    violation: null,
  };
}

export function step(state: State, label: string, change: (next: State) => void): Step {
  const { dakar, thies, mbour } = state.cities;
  const copy = (city: CityState) => ({ ...city, participations: [...city.participations] });
  const next: State = {
    ...state,
    orchestrators: [...state.orchestrators],
    decisions: [...state.decisions],
    cities: { dakar: copy(dakar), thies: copy(thies), mbour: copy(mbour) },
    payments: [...state.payments],
    holds: [...state.holds],
  };
  change(next);
  return { label, next };
}

export type Numbered = Message & { number: number };
const numbered = new Map<string, Numbered>();

export function send(next: State, message: Message): void {
  const text = Object.values(message).join(" ");
  const known = numbered.get(text) ?? { ...message, number: numbered.size };
  numbered.set(text, known);
  if (next.sent.includes(known)) return;
  next.sent = [...next.sent, known].sort((one, other) => one.number - other.number);
}

/** Equal for equal states only: the numbers of the messages and of all words of a state, as characters. */
export function keyOf(state: State): string {
  const { sent, orchestrators, decisions, cities, payments, holds, balance, violation } = state;
  const words: unknown[] = [sent.length, balance, violation, ...payments, ...holds];
  for (const orchestrator of orchestrators)
    words.push(orchestrator.state === "ended" ? orchestrator.told : orchestrator.state);
  for (const decision of decisions) words.push(...Object.values(decision));
  for (const city of CITIES) {
    const { onHand, reserved, participations, isBehindHorizon } = cities[city];
    words.push(onHand, reserved, isBehindHorizon, ...participations);
  }
  return String.fromCharCode(...sent.map(({ number }) => number), ...words.map(numberOf));
}

const words = new Map<unknown, number>();
function numberOf(word: unknown): number {
  const known = words.get(word) ?? words.size;
  words.set(word, known);
  return known;
}

export function isCommitted({ decisions }: State, tx: number): boolean {
  return decisions[tx]!.state === "COMMITTED";
}
