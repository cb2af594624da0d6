/** The orchestrator's steps (../orchestrator/transaction.ts), and what it tells participants at the end. */
import { type State, type Step, send, step } from "./state.ts";
import {
  type Attempt,
  type City,
  type Message,
  type Orchestrator,
  participantsOf,
  type World,
} from "./world.ts";

/** One orchestrator and its attempt. */
interface Run {
  world: World;
  state: State;
  attempt: Attempt;
  index: number;
  tx: number;
  participants: readonly City[];
  /** The messages about the transaction. */
  heard: readonly Message[];
}

export function orchestratorSteps(world: World, state: State): Step[] {
  return world.attempts.flatMap((attempt, index) => {
    const tx = world.mistake === "two attempts under one id" && attempt.kind === "ORDER" ? 0 : index;
    const participants = participantsOf(world, attempt);
    const heard = state.sent.filter((message) => message.tx === tx);
    return stepsOf({ world, state, attempt, index, tx, participants, heard }, state.orchestrators[index]!);
  });
}

function stepsOf(run: Run, orchestrator: Orchestrator): Step[] {
  switch (orchestrator.state) {
    case "idle":
      return begin(run);
    case "preparing":
      return prepare(run);
    case "committing":
      return commit(run);
    case "asking":
      return ask(run);
    case "ended":
      return [];
    default:
      return orchestrator satisfies never;
  }
}

/** A cancellation has no prepare, and the home takes part in none. */
function begin(run: Run): Step[] {
  const { world, attempt, tx, participants } = run;
  const isCancellation = attempt.kind === "CANCELLATION";
  if (isCancellation && world.mistake === "given back before the commit point") {
    return [
      goOn(run, "sends COMMITTED and commit", "committing", (next) => {
        tell(run, next, "COMMITTED");
        send(next, { kind: "commit", tx, attempt: run.index });
      }),
    ];
  }
  const isUnprepared = attempt.kind === "TRANSFER" && world.mistake === "transfer without prepare";
  if (isCancellation || participants.length === 0 || isUnprepared) return [sendCommit(run)];
  return [
    goOn(run, "sends prepare", "preparing", (next) => {
      for (const city of participants) send(next, { kind: "prepare", tx, city });
    }),
  ];
}

/** No commit was sent yet, so the transaction may be aborted. */
function prepare(run: Run): Step[] {
  const { world, participants, heard } = run;
  const votes = heard.filter(({ kind }) => kind === "vote").length;
  const isEnough =
    votes === participants.length || (votes > 0 && world.mistake === "commit before all votes");
  const givesUp = abort(run, "lacks a vote or the home", "not happened");
  return isEnough ? [givesUp, sendCommit(run)] : [givesUp];
}

/** The home may have committed, so only its answer tells. */
function commit(run: Run): Step[] {
  const { world, index, tx, heard } = run;
  const ends = heard.flatMap((message) => {
    if (message.kind !== "answer" || message.attempt !== index) return [];
    if (message.answer === "COMMITTED") return [happened(run)];
    return [
      abort(run, `hears ${message.answer}`, message.answer === "REPLAYED" ? "happened" : "not happened"),
    ];
  });
  const asks = goOn(run, "asks for the outcome", "asking", (next) =>
    send(next, { kind: "outcome", tx, asker: "orchestrator" }),
  );
  if (world.mistake === "abort on a lost commit answer") ends.push(abort(run, "gives up", "unknown"));
  return [...ends, asks];
}

/** Without an answer the outcome is unknown, and the participants ask the home themselves. */
function ask(run: Run): Step[] {
  const ends = run.heard.flatMap((message) => {
    if (message.kind !== "outcome answer") return [];
    return [message.decision === "COMMITTED" ? happened(run) : abort(run, "hears ABORTED", "not happened")];
  });
  return [...ends, end(run, "tells the client that the outcome is unknown", "unknown", () => undefined)];
}

function sendCommit(run: Run): Step {
  return goOn(run, "sends commit", "committing", (next) =>
    send(next, { kind: "commit", tx: run.tx, attempt: run.index }),
  );
}

function happened(run: Run): Step {
  return end(run, "tells the client yes", "happened", (next) => tell(run, next, "COMMITTED"));
}

function abort(run: Run, why: string, told: Told): Step {
  return end(run, `${why}, sends ABORTED`, told, (next) => tell(run, next, "ABORTED"));
}

function tell({ attempt, tx, participants }: Run, next: State, decision: "COMMITTED" | "ABORTED"): void {
  // No city was asked to prepare a cancellation, so none is told that it does not happen.
  if (attempt.kind === "CANCELLATION" && decision === "ABORTED") return;
  for (const city of participants) send(next, { kind: "decide", tx, city, decision });
}

type Told = Extract<Orchestrator, { state: "ended" }>["told"];
type Change = (next: State) => void;

function end(run: Run, label: string, told: Told, change: Change): Step {
  return become(run, label, { state: "ended", told }, change);
}

function goOn(run: Run, label: string, state: "preparing" | "committing" | "asking", change: Change): Step {
  return become(run, label, { state }, change);
}

function become({ state, index }: Run, label: string, orchestrator: Orchestrator, change: Change): Step {
  return step(state, `orchestrator ${index} ${label}`, (next) => {
    next.orchestrators[index] = orchestrator;
    change(next);
  });
}
