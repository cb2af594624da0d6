/** Goal: an epoch tells each change once, and ends when it could miss one. Method: a real server. */
import { afterEach, expect, test, vi } from "vitest";
import { useFollowedTable } from "../../test/followed-table.ts";
import { createLogger } from "../process/log.ts";
import { comparePositions, type Position } from "../reads/position.ts";
import type { ChangeListener } from "./change.ts";
import { startTail, type Tail, type TailOptions } from "./tail.ts";

const used = useFollowedTable("kit_outbox_tail");

type Heard =
  | { kind: "began"; keys: (string | null)[]; position: Position }
  | { kind: "changed"; keys: (string | null)[]; position: Position }
  | { kind: "ended" };

/** A listener, and a wait for what it hears. */
function listen() {
  const heard: Heard[] = [];
  const confirmed: Position[] = [];
  const waiting: (() => void)[] = [];
  const hear = (event?: Heard) => {
    if (event) heard.push(event);
    for (const look of waiting.splice(0)) look();
  };
  const until = async (isEnough: () => boolean) => {
    while (!isEnough()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const keysOf = (changes: readonly { key: string | null }[]) => changes.map(({ key }) => key).sort();
  const listener: ChangeListener = {
    began: (_epoch, { changes, position }) => hear({ kind: "began", keys: keysOf(changes), position }),
    changed: ({ changes, position }) => hear({ kind: "changed", keys: keysOf(changes), position }),
    confirmed(position) {
      confirmed.push(position);
      hear();
    },
    ended: () => hear({ kind: "ended" }),
  };
  return { heard, confirmed, until, listener, kinds: () => heard.map(({ kind }) => kind) };
}

let tails: Tail[] = [];
afterEach(async () => {
  await Promise.all(tails.map((tail) => tail.close()));
  tails = [];
});

function tail(listener: ChangeListener, options: Partial<TailOptions> = {}) {
  let epochs = 0;
  tails.push(
    startTail({
      primaryUrl: () => used.url,
      applicationName: "test",
      listeners: [listener],
      log: createLogger("test", "silent"),
      newId: () => `epoch ${++epochs}`,
      ...options,
    }),
  );
}

const add = (id: string) => used.sql`insert into thing values (${id}, '')`;
const flushed = async (): Promise<Position> => ({
  timeline: 1,
  lsn: (await used.sql`select (pg_current_wal_flush_lsn() - '0/0')::bigint as lsn`)[0]!.lsn,
});

test("an epoch begins with what nobody has pruned, and tells what follows, later than what readers were told", async () => {
  await add("before");
  const { heard, until, listener } = listen();
  tail(listener);
  await until(() => heard.length === 1);
  expect(heard[0]).toMatchObject({ kind: "began", keys: ["before"] });
  await add("after");
  const told = await flushed();
  await until(() => heard.length === 2);
  expect(heard[1]).toMatchObject({ kind: "changed", keys: ["after"] });
  expect(comparePositions((heard[1] as { position: Position }).position, told)).toBeGreaterThan(0);
});

test("what was flushed is confirmed once all that is visible was told, also while transactions are open", async () => {
  const { heard, confirmed, until, listener } = listen();
  tail(listener);
  await used.sql.begin(async (open) => {
    await open`insert into thing values ('open', '')`;
    const told = await flushed();
    const other = used.open();
    await other.sql`insert into thing values ('other', '')`;
    await other.close();
    await until(() => confirmed.some((position) => comparePositions(position, told) >= 0));
    // The position may be confirmed before the other's change was there to be told.
    await until(() => heard.length >= 2);
    expect(heard.slice(1)).toMatchObject([{ kind: "changed", keys: ["other"] }]);
  });
  await until(() => heard.length === 3);
  expect(heard[2]).toMatchObject({ kind: "changed", keys: ["open"] });
});

test("the end of the log is confirmed only while nobody may be committing: a commit is flushed before others see it", async () => {
  const { confirmed, until, listener } = listen();
  const isConfirmed = (end: Position) => confirmed.some((position) => comparePositions(position, end) >= 0);
  tail(listener);
  await used.sql.begin(async (open) => {
    await open`insert into thing values ('open', '')`;
    await until(() => confirmed.length >= 2);
    const end = await flushed();
    const count = confirmed.length;
    await until(() => confirmed.length >= count + 3);
    // Something else may write to the server's log meanwhile.
    if (comparePositions(await flushed(), end) === 0) expect(isConfirmed(end)).toBe(false);
  });
  const end = await flushed();
  await until(() => isConfirmed(end));
});

test("a change is told before the next reading is due, and those that follow it at once are told together", async () => {
  let nowMs = 0;
  let steps = 0;
  const { heard, until, listener } = listen();
  const primaryUrl = () => {
    steps++;
    return used.url;
  };
  const looks = async (count: number) => {
    const end = steps + count;
    await vi.waitUntil(() => steps >= end, { timeout: 20_000 });
  };
  tail(listener, { nowMs: () => nowMs, primaryUrl });
  await until(() => heard.length === 1);
  await add("first");
  await until(() => heard.length === 2);
  await add("second");
  await looks(3);
  await add("third");
  await looks(3);
  expect(heard).toHaveLength(2);
  nowMs = 50;
  await until(() => heard.length === 3);
  expect(heard.slice(1)).toMatchObject([{ keys: ["first"] }, { keys: ["second", "third"] }]);
});

test("a lost connection ends the epoch, and another one begins with all changes of the last minutes", async () => {
  const { heard, until, listener, kinds } = listen();
  tail(listener);
  await until(() => heard.length === 1);
  await add("told");
  await until(() => heard.length === 2);
  await used.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'test outbox' and datname = current_database()`;
  await until(() => kinds().includes("ended"));
  await add("meanwhile");
  await until(() => kinds().at(-1) !== "ended");
  const known = heard.slice(3).flatMap((event) => ("keys" in event ? event.keys : []));
  if (!known.includes("meanwhile")) await until(() => heard.length === 5);
  expect(kinds().slice(0, 4)).toEqual(["began", "changed", "ended", "began"]);
  expect(heard[3]).toMatchObject({ keys: expect.arrayContaining(["told"]) });
  expect(heard.flatMap((event) => ("keys" in event ? event.keys : []))).toContain("meanwhile");
});

test("another primary ends the epoch, also while the one of before answers", async () => {
  let primary = used.url;
  const { heard, until, listener, kinds } = listen();
  tail(listener, { primaryUrl: () => primary });
  await until(() => heard.length === 1);
  primary = `${used.url}#another`;
  await until(() => heard.length === 3);
  expect(kinds()).toEqual(["began", "ended", "began"]);
});

test("while there is no database that takes writes, nothing is told and it is tried again", async () => {
  let primary = "postgres://nobody@127.0.0.1:9/none";
  const { heard, until, listener } = listen();
  const lines: string[] = [];
  const log = createLogger("test", "warn", { write: (line) => lines.push(line) });
  const { promise: triedTwice, resolve } = Promise.withResolvers<void>();
  let tries = 0;
  tail(listener, {
    log,
    primaryUrl() {
      if (++tries === 3) resolve();
      return primary;
    },
  });
  await triedTwice;
  primary = used.url;
  await until(() => heard.length === 1);
  expect(heard).toMatchObject([{ kind: "began" }]);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    "the outbox is not read; caches do without its changes",
  ]);
});

test("a database that does not answer in time ends the epoch", async () => {
  const { heard, until, listener, kinds } = listen();
  let isLate = false;
  let onLate = () => {};
  tail(listener, {
    startTimer(_ms, run) {
      if (isLate) onLate = run;
      return () => {
        onLate = () => {};
      };
    },
  });
  await until(() => heard.length === 1);
  await used.sql.begin(async (lock) => {
    await lock`lock table outbox`;
    isLate = true;
    while (kinds().at(-1) !== "ended") {
      onLate();
      await lock`select`;
    }
  });
  await until(() => heard.length === 3);
  expect(kinds()).toEqual(["began", "ended", "began"]);
});

test("rows go ten to eleven minutes after they have become visible", async () => {
  await add("old");
  let nowMs = 0;
  const { confirmed, until, listener } = listen();
  // Each reading is some time after the one before.
  tail(listener, { nowMs: () => (nowMs += 20) });
  await until(() => confirmed.length >= 1);
  nowMs = 590_000;
  await add("new");
  const count = confirmed.length;
  await until(() => confirmed.length >= count + 2);
  expect(await used.sql`select from outbox`).toHaveLength(2);
  nowMs = 650_001;
  const next = confirmed.length;
  await until(() => confirmed.length >= next + 2);
  expect(await used.sql`select key from outbox`).toEqual([{ key: "new" }]);
});
