import { expect, test } from "vitest";
import type { Purchase } from "./buyers.ts";
import { drawTimeline, LEGEND, WIDTH } from "./timeline.ts";
import type { Step } from "./transactions.ts";

const purchase = (number: number, askedMs: number, answeredMs: number, result: string): Purchase => ({
  buyer: { name: `buyer-${number}`, clientId: "saint-louis:3", cityId: "saint-louis", quantity: 3 },
  askedMs,
  answeredMs,
  result,
  orderId: null,
});
const step = (buyer: string, atMs: number, kind: Step["kind"]): Step => ({ buyer, atMs, kind });

test("each buyer is a row, by the time of asking, with what happened where it happened", () => {
  const placed = { purchase: purchase(2, 1_000, 1_220, "OrderPlaced"), from: "Sa 2 Da 1" };
  const soldOut = { purchase: purchase(1, 1_110, 1_330, "OutOfStock"), from: "" };
  const failed = { purchase: purchase(3, 1_330, 1_440, "SUBGRAPH_UNAVAILABLE"), from: "" };
  const steps = [
    step("buyer-2", 1_055, "prepared"),
    step("buyer-2", 1_110, "committed"),
    step("buyer-2", 1_225, "confirmed"),
    step("buyer-1", 1_220, "refused"),
    step("buyer-1", 1_225, "released"),
  ];
  expect(drawTimeline([soldOut, failed, placed], steps)).toEqual([
    "                  0                                     440 ms",
    " 2 saint-louis ×3 ·····p·····C··········●c                     Sa 2 Da 1",
    " 1 saint-louis ×3            ···········r··········x",
    " 3 saint-louis ×3                                  ··········!",
  ]);
});

test("nothing is wider than a terminal, whatever comes", () => {
  const late = { purchase: purchase(60, 0, 90_000, "OrderPlaced"), from: "Da 1 Th 1 Sa 1" };
  const lines = [...drawTimeline([late], [step("buyer-60", 95_000, "confirmed")]), ...LEGEND];
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(WIDTH);
});
