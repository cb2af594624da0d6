/**
 * The home's steps (../../functions/3-home.sql to 5-transfers.sql, and tellParticipants of
 * ../city/recovery.ts).
 */
import { violates } from "./participant.ts";
import { isTooOld } from "./pruning.ts";
import { isCommitted, type State, type Step, send, step } from "./state.ts";
import { type Attempt, type CommitAnswer, homeGives, type Message, type World } from "./world.ts";

/** The commit point: the decision and its effects are one step. */
export function commit(
  world: World,
  state: State,
  { tx, attempt: index }: Extract<Message, { kind: "commit" }>,
): Step[] {
  const { mistake } = world;
  const attempt = world.attempts[index]!;
  const { home } = attempt;
  const earlier = state.decisions[tx]!;
  const answers = (label: string, answer: CommitAnswer, change: (next: State) => void = () => undefined) => [
    step(state, `${home} ${label} ${tx}`, (next) => {
      change(next);
      send(next, { kind: "answer", tx, attempt: index, answer });
    }),
  ];
  if (earlier.state === "COMMITTED") {
    if (earlier.attempt !== index) return violates(state, `${home} gets another commit under the id ${tx}`);
    return answers("repeats its answer to", "COMMITTED", (next) => {
      if (attempt.kind === "TRANSFER" && mistake === "transfer arrives with every commit")
        next.cities[home].onHand += 1;
    });
  }
  if (earlier.state === "ABORTED" && mistake !== "no fence")
    return answers("repeats its answer to", earlier.answer);
  if (earlier.state === "NONE" && isTooOld(world, state, home))
    return answers("finds too old", "TOO_OLD", (next) => abort(next, tx, "TOO_OLD"));
  // The wallet is asked first (wallet.ts).
  if (attempt.kind === "ORDER" && attempt.paidBy === "HOLD" && state.payments[tx] === "NONE") return [];
  const answer = judge(world, state, tx, attempt);
  if (answer !== "COMMITTED") {
    return answers(`decides ABORTED (${answer}) for`, answer, (next) => abort(next, tx, answer));
  }
  return answers("commits", answer, (next) => {
    next.decisions[tx] = { state: "COMMITTED", attempt: index };
    writeEffects(world, next, attempt);
  });
}

function judge(world: World, state: State, tx: number, attempt: Attempt): CommitAnswer {
  const { attempts, mistake } = world;
  const isReplay = attempts.some(
    ({ kind, key }, other) => kind === attempt.kind && key === attempt.key && isCommitted(state, other),
  );
  if (isReplay && mistake !== "key checked only up front") return "REPLAYED";
  switch (attempt.kind) {
    case "ORDER": {
      const isPaid = state.payments[tx] === "AUTHORISED" || mistake === "commit without the wallet's yes";
      if (attempt.paidBy === "HOLD" && !isPaid) return "DECLINED";
      const { onHand, reserved } = state.cities[attempt.home];
      return homeGives(world, attempt) && onHand - reserved < 1 ? "REFUSED" : "COMMITTED";
    }
    case "CANCELLATION":
      if (!isCommitted(state, attempt.order) && mistake !== "cancelled before it is placed")
        return "UNKNOWN_ORDER";
      return isCancelled(world, state, attempt.order) && mistake !== "cancelled twice"
        ? "ALREADY_CANCELLED"
        : "COMMITTED";
    case "TRANSFER":
      return "COMMITTED";
    default:
      return attempt satisfies never;
  }
}

export function isCancelled({ attempts }: World, state: State, order: number): boolean {
  return attempts.some(
    (attempt, tx) => attempt.kind === "CANCELLATION" && attempt.order === order && isCommitted(state, tx),
  );
}

function writeEffects(world: World, next: State, attempt: Attempt): void {
  const city = next.cities[attempt.home];
  switch (attempt.kind) {
    case "ORDER":
      if (homeGives(world, attempt)) city.onHand -= 1;
      return;
    case "CANCELLATION":
      if (homeGives(world, attempt)) city.onHand += 1;
      if (["AUTHORISED", "CAPTURED"].includes(next.payments[attempt.order]!))
        next.payments[attempt.order] = "REFUNDING";
      return;
    case "TRANSFER":
      city.onHand += 1;
      return;
    default:
      attempt satisfies never;
  }
}

/** Decides ABORTED. What the wallet may hold is released. */
export function abort(next: State, tx: number, answer: CommitAnswer): void {
  next.decisions[tx] = { state: "ABORTED", answer };
  if (["AUTHORISING", "AUTHORISED"].includes(next.payments[tx]!)) next.payments[tx] = "VOIDING";
}

/** The question itself decides an undecided transaction ABORTED (the fence), so the answer is final. */
export function outcome(
  world: World,
  state: State,
  { tx, asker }: Extract<Message, { kind: "outcome" }>,
): Step[] {
  const known = state.decisions[tx]!;
  return [
    step(state, `home answers ${asker}, which asks about ${tx}: ${known.state}`, (next) => {
      if (known.state === "NONE" && world.mistake !== "outcome without a fence") abort(next, tx, "ABORTED");
      const decision = known.state === "COMMITTED" ? "COMMITTED" : "ABORTED";
      if (asker === "orchestrator") send(next, { kind: "outcome answer", tx, decision });
      else send(next, { kind: "decide", tx, city: asker, decision });
    }),
  ];
}
