/** A lane of messages in time that a test controls. */
import { TransportError } from "@teranga/kit/http/transport.ts";
import { MessageLane } from "@teranga/protocol/orchestrator/message-lane.ts";
import { VirtualTime } from "../../../kit/test/virtual-time.ts";

const DEADLINE_MS = 1_500;

export interface Sent {
  messages: readonly number[];
  deadlineMs: number;
  /** Answers each message with ten times itself by default. */
  answer: (answers?: (string | TransportError)[]) => void;
  fail: (error: unknown) => void;
}

interface LaneUnderTest {
  weigh?: (message: number) => number;
  hasDeadlines?: boolean;
}

/**
 * A lane of numbers whose requests wait until the test answers them.
 * @param hasDeadlines whether they end at their deadline, as the transport's do
 */
export function laneUnderTest({ weigh, hasDeadlines = false }: LaneUnderTest = {}) {
  const time = new VirtualTime();
  const sent: Sent[] = [];
  const lane = new MessageLane<number, string>({
    send: (messages, deadlineMs) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly (string | TransportError)[]>();
      const answer: Sent["answer"] = (answers = messages.map((message) => `answer to ${message}`)) =>
        resolve(answers);
      sent.push({ messages: [...messages], deadlineMs, answer, fail: reject });
      const timeOut = () => reject(new TransportError("unknown", "no answer"));
      if (hasDeadlines) void time.delay(deadlineMs).then(timeOut);
      return promise;
    },
    ...(weigh && { weigh }),
    onBatch: () => {},
    clock: time.clock,
    delay: time.delay,
  });
  /** Asks, and records how and when the message ends. */
  const ask = (message: number, deadlineMs = DEADLINE_MS) => {
    const asked = { message, ends: [] as string[], endedAtMs: Number.NaN };
    const end = (how: string) => {
      asked.ends.push(how);
      asked.endedAtMs = time.nowMs;
    };
    void lane.ask(message, deadlineMs).then(end, (error: TransportError) => end(error.effect));
    return asked;
  };
  return { time, sent, ask };
}
