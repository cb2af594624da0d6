/** Answers a batch of protocol messages, so that a fault of one entry fails no other entry. */
import { isDeepStrictEqual } from "node:util";
import { badInput } from "@teranga/kit/graphql/errors.ts";
import { alarm } from "../alarm.ts";
import type { Reply } from "./commit-protocol.ts";
import { isolateEntries } from "./isolate-entries.ts";
import type { CityMeans } from "./means.ts";
import { observeBatch } from "./observe.ts";

/** Entries of one message. A larger one would hold its row locks for longer than 100 ms. */
const BATCH_MAX = 1_000;

export interface Batch<Entry, Answer> {
  city: CityMeans;
  /** The name of the field that was called. */
  message: string;
  /** The field's argument, which holds the entries. */
  field: string;
  entries: readonly Entry[];
  /** Two entries with one key must be copies of one message. The key is the transaction's id by default. */
  keyOf?: (entry: Entry) => string;
  isSound: (entry: Entry) => boolean;
  /** Entries of one group run together, and groups run side by side. All entries are one group by default. */
  groupOf?: (entry: Entry) => string;
  /** Runs a group as one database transaction. Answers come in the order of the entries. */
  run: (entries: Entry[]) => Promise<Answer[]>;
  /** The fields of an answer beside its state, for an entry that changed nothing. */
  nothing: Omit<Answer, "transactionId" | "state">;
}

/** Runs each sound entry once, and answers all entries in order. */
export function answerEach<Entry extends { transactionId: string }, Answer extends Reply>(
  batch: Batch<Entry, Answer>,
): Promise<Answer[]> {
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
      alarm(
        city,
        { transactionId: entry.transactionId },
        `a message of the field ${field} breaks the protocol`,
      );
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
