/** Answering a batch of protocol messages, so that one entry's fault is never another's. */
import { isDeepStrictEqual } from "node:util";
import { badInput } from "@teranga/kit/graphql/errors.ts";
import { alarm } from "./alarm.ts";
import { isolateEntries } from "./isolate-entries.ts";
import type { CityMeans } from "./means.ts";
import { observeBatch } from "./observe.ts";
import type { IsNew } from "./sql/is-new.ts";

/** Entries of one message. A larger one would hold its row locks for longer than 100 ms. */
const BATCH_MAX = 1_000;

export interface Batch<Entry, Answer> {
  city: CityMeans;
  /** The field that was asked. */
  message: string;
  /** Its argument, which holds the entries. */
  field: string;
  entries: readonly Entry[];
  /** Two entries of one key must be one message twice; the transaction's id by default. */
  keyOf?: (entry: Entry) => string;
  isSound: (entry: Entry) => boolean;
  /** Entries of one group are run together, groups beside one another; all are one by default. */
  groupOf?: (entry: Entry) => string;
  /** A group as one database transaction; answers in the order of the entries. */
  run: (entries: Entry[]) => Promise<Answer[]>;
  /** What the answer of an entry that changed nothing has beside its state. */
  nothing: Omit<Answer, "transactionId" | "state">;
}

/** Runs the sound entries, each once, and answers all of them in order. */
export function answerEach<
  Entry extends { transactionId: string },
  Answer extends { transactionId: string; state: string } & IsNew,
>(batch: Batch<Entry, Answer>): Promise<Answer[]> {
  return observeBatch(batch.message, batch.city, batch.entries, () => applyEach(batch));
}

async function applyEach<
  Entry extends { transactionId: string },
  Answer extends { transactionId: string; state: string },
>(batch: Batch<Entry, Answer>): Promise<Answer[]> {
  const { city, field, entries, keyOf = ({ transactionId }) => transactionId, isSound } = batch;
  if (entries.length > BATCH_MAX) throw badInput(field, `may have ${BATCH_MAX} entries at most`);
  const messages = new Map<string, Entry>();
  for (const entry of entries) {
    if (isSound(entry) && !messages.has(keyOf(entry))) messages.set(keyOf(entry), entry);
  }
  const groups = Map.groupBy(messages.values(), (entry) => batch.groupOf?.(entry));
  const answers = new Map<string, Answer>();
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const answered = await isolateEntries(group, batch.run, (entry, error) => {
        city.log.error(
          { err: error, transactionId: entry.transactionId, field },
          "a protocol message failed",
        );
        return nothingDone(batch, entry, "FAILED");
      });
      for (const [index, entry] of group.entries()) answers.set(keyOf(entry), answered[index]!);
    }),
  );
  return entries.map((entry) => {
    const isAnswered = isDeepStrictEqual(messages.get(keyOf(entry)), entry);
    const answer = isAnswered ? answers.get(keyOf(entry))! : nothingDone(batch, entry, "VIOLATION");
    if (answer.state === "VIOLATION") {
      alarm(city, entry.transactionId, `a message of the field ${field} breaks the protocol`);
    }
    return answer;
  });
}

function nothingDone<Entry extends { transactionId: string }, Answer>(
  { nothing }: Batch<Entry, Answer>,
  { transactionId }: Entry,
  state: "VIOLATION" | "FAILED",
): Answer {
  return { ...nothing, transactionId, state } as Answer;
}
