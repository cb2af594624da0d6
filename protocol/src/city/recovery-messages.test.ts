/**
 * Goal: one answer of the wrong form does not hold up the others. Method: a city that answers what the test
 * says.
 */
import type { Send } from "@teranga/kit/http/transport.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { createRecoveryMessages } from "./recovery-messages.ts";

const ID = (number: number) => `dakar:00000000-0000-7000-8000-00000000000${number}`;
const questions = [1, 2].map((number) => ({ transactionId: ID(number), cityId: "thies" }));
const sound = { transactionId: ID(2), state: "ABORTED", lines: [] };

function messagesOf(outcome: unknown) {
  const faults: Error[] = [];
  const send = (async () => ({ data: { outcome } })) as unknown as Send;
  const placement = {
    partitions: [{ id: "dakar", urls: ["http://dakar"] }],
  } as unknown as PartitionPlacement;
  return { faults, messages: createRecoveryMessages(placement, send, (fault) => void faults.push(fault)) };
}

test.each([
  [
    "a line of no pieces",
    { transactionId: ID(1), state: "COMMITTED", lines: [{ productId: "1", quantity: 0 }] },
  ],
  ["a state that there is not", { transactionId: ID(1), state: "PERHAPS", lines: [] }],
  ["another transaction", { transactionId: ID(3), state: "ABORTED", lines: [] }],
  ["nothing", null],
])("an answer with %s counts as FAILED, and is a fault", async (_, answer) => {
  const { faults, messages } = messagesOf([answer, sound]);
  expect(await messages.outcome("dakar", questions)).toEqual([
    { transactionId: ID(1), state: "FAILED" },
    sound,
  ]);
  expect(faults.map(({ message }) => message)).toEqual([`no answer for ${ID(1)}`]);
});

test("not one answer for each message is an error, and none of them counts", async () => {
  const { messages } = messagesOf([sound]);
  await expect(messages.outcome("dakar", questions)).rejects.toThrow();
});
