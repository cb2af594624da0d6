/** Draws purchases as rows and time as columns, in 80 characters. */
import type { Purchase } from "./buyers.ts";
import type { Step } from "./transactions.ts";

export const WIDTH = 80;
const COLUMNS = 44;
const LABEL = 18;

/** If several steps fall into one column, the later one in this list is shown. */
const MARKS = {
  waiting: "·",
  confirmed: "c",
  released: "f",
  prepared: "p",
  refused: "r",
  committed: "C",
  soldOut: "x",
  failed: "!",
  placed: "●",
} as const;

type Mark = keyof typeof MARKS;

export const LEGEND = [
  "p  pieces set aside in another city     C  commit point, in the buyer's city",
  "r  somebody was faster: tries again     f  pieces set aside are free again",
  "●  the buyer is told: placed            x  the buyer is told: out of stock",
  "c  another city has handed its pieces over; the buyer did not wait for that",
];

export interface DrawnPurchase {
  purchase: Purchase;
  /** The pieces by city: `Dakar 2, Thiès 1`. */
  from: string;
}

export function drawTimeline(purchases: readonly DrawnPurchase[], steps: readonly Step[]): string[] {
  const startMs = Math.min(...purchases.map(({ purchase }) => purchase.askedMs));
  const ends = [...purchases.map(({ purchase }) => purchase.answeredMs), ...steps.map(({ atMs }) => atMs)];
  const lengthMs = Math.max(1, Math.max(...ends) - startMs);
  const columnOf = (atMs: number) =>
    Math.max(0, Math.min(COLUMNS - 1, Math.floor(((atMs - startMs) / lengthMs) * COLUMNS)));
  const rows = [...purchases]
    .sort((a, b) => a.purchase.askedMs - b.purchase.askedMs)
    .map((drawn) => {
      const own = steps.filter(({ buyer }) => buyer === drawn.purchase.buyer.name);
      return `${labelOf(drawn.purchase)}${drawRow(drawn.purchase, own, columnOf)} ${drawn.from}`.trimEnd();
    });
  const scale = `${Math.round(lengthMs)} ms`;
  return [`${"".padEnd(LABEL)}0${scale.padStart(COLUMNS - 1)}`, ...rows];
}

function labelOf({ buyer }: Purchase): string {
  const number = buyer.name.replace("buyer-", "").padStart(2);
  return `${number} ${buyer.cityId} ×${buyer.quantity}`.padEnd(LABEL);
}

function drawRow(purchase: Purchase, steps: readonly Step[], columnOf: (atMs: number) => number): string {
  const cells: (Mark | undefined)[] = Array.from({ length: COLUMNS });
  const order = Object.keys(MARKS) as Mark[];
  const put = (column: number, mark: Mark) => {
    const before = cells[column];
    if (before === undefined || order.indexOf(before) < order.indexOf(mark)) cells[column] = mark;
  };
  for (let column = columnOf(purchase.askedMs); column < columnOf(purchase.answeredMs); column++)
    put(column, "waiting");
  for (const { kind, atMs } of steps) put(columnOf(atMs), kind);
  const answered = columnOf(purchase.answeredMs);
  // A confirmation in the column of the answer is shown in the next column.
  if (cells[answered] === "confirmed" && answered + 1 < COLUMNS) put(answered + 1, "confirmed");
  put(answered, answerMark(purchase.result));
  return cells.map((mark) => (mark === undefined ? " " : MARKS[mark])).join("");
}

function answerMark(result: string): Mark {
  if (result === "OrderPlaced") return "placed";
  return result === "OutOfStock" ? "soldOut" : "failed";
}
