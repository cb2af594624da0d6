/**
 * Writes answers as JSON. A great answer is written in pieces with turns of the event loop between them: 26
 * MB in one piece delayed all other requests by 100 to 300 ms.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Holding } from "./answer-room.ts";

/** The members and elements that are written in one piece, in 0.1 to 0.2 ms. */
const AT_ONCE_MAX = 2_000;
const TURN_MS = 10;

/** The data of great answers, each with the holding that ends when its JSON is complete. */
const GREAT = new WeakMap<object, Holding>();

/** Must be called with the data of every finished answer. */
export function noteGreat(data: object | null, holding: Holding | undefined): void {
  if (data && holding?.isGreat) GREAT.set(data, holding);
}

interface Answer {
  data?: unknown;
}

/** Apollo Server calls this for the JSON of an answer. */
export function answerJson(answer: Answer): string | Promise<string> {
  const { data } = answer;
  const holding = typeof data === "object" && data !== null ? GREAT.get(data) : undefined;
  return holding ? greatJson(answer, holding) : `${JSON.stringify(answer)}\n`;
}

async function greatJson(answer: Answer, holding: Holding): Promise<string> {
  const pieces: string[] = [];
  let beganMs = performance.now();
  for (const piece of piecesOf(answer)) {
    pieces.push(piece);
    if (performance.now() - beganMs < TURN_MS) continue;
    await nextTurn();
    beganMs = performance.now();
  }
  holding.end();
  pieces.push("\n");
  return pieces.join("");
}

function* piecesOf(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null || leftOf(value, AT_ONCE_MAX) > 0) {
    yield JSON.stringify(value) ?? "null";
    return;
  }
  if (Array.isArray(value)) {
    yield* between(
      "[",
      "]",
      value.map((element) => ["", element] as const),
    );
    return;
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  yield* between(
    "{",
    "}",
    members.map(([name, member]) => [`${JSON.stringify(name)}:`, member] as const),
  );
}

function* between(
  begin: string,
  end: string,
  members: readonly (readonly [head: string, value: unknown])[],
): Generator<string> {
  yield begin;
  for (const [at, [head, value]] of members.entries()) {
    yield at === 0 ? head : `,${head}`;
    yield* piecesOf(value);
  }
  yield end;
}

/** Subtracts a value's members and elements from `count`. Stops at zero. */
function leftOf(value: unknown, count: number): number {
  if (typeof value !== "object" || value === null) return count - 1;
  let left = count - 1;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (left <= 0) return 0;
    left = leftOf(member, left);
  }
  return left;
}
