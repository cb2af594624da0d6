/**
 * Goal: one answer of the wrong form, or one instance that is away, does not hold up the others. Method: a
 * city that answers what the test says.
 */
import type { Send } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { EndpointWorld } from "../../../kit/test/endpoint-world.ts";
import { createRecoveryMessages } from "./recovery-messages.ts";

const ID = (number: number) => `dakar:00000000-0000-7000-8000-00000000000${number}`;
const questions = [1, 2].map((number) => ({ transactionId: ID(number), cityId: "thies" }));
const sound = { transactionId: ID(2), state: "ABORTED", lines: [] };

function messagesOf(answers: unknown) {
  const faults: Error[] = [];
  const send = (async () => ({ data: { answers } })) as unknown as Send;
  const placement = {
    partitions: [{ id: "dakar", urls: ["http://dakar"] }],
  } as unknown as PartitionPlacement;
  const means = {
    instances: new Instances({ send }),
    newId: () => "request-1",
    onFault: (fault: unknown) => void faults.push(fault as Error),
  };
  return { faults, messages: createRecoveryMessages(placement, means) };
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
  expect(faults.map(({ message }) => message)).toEqual([
    "RecoveryOutcome: answered something else than was asked",
  ]);
});

test("not one answer for each message is an error, and none of them counts", async () => {
  const { messages } = messagesOf([sound]);
  await expect(messages.outcome("dakar", questions)).rejects.toThrow();
});

test.each(["hangs", "refuses"] as const)("an instance that %s is asked once", async (behaviour) => {
  const it = new EndpointWorld();
  it.answer = () => ({ data: { answers: [sound] } });
  it.behaviours.set("http://one", behaviour);
  const placement = { partitions: [{ id: "dakar", urls: ["http://one", "http://two"] }] };
  const means = { instances: it.instances(), newId: () => "request-1" };
  const messages = createRecoveryMessages(placement as unknown as PartitionPlacement, means);
  for (let times = 0; times < 3; times++) {
    const answered = messages.outcome("dakar", questions.slice(1));
    await it.time.pass(2_000);
    expect(await answered).toEqual([sound]);
  }
  const two = "http://two";
  expect(it.sent.map(({ url }) => url)).toEqual(["http://one", two, two, two]);
});
