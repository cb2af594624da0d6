/**
 * Goal: a city lists the transactions that it knows as home and as participant in one list. Method: the whole
 * graph, with transactions in every state.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setClock } from "../services/city/test/set-clock.ts";
import { type Graph, startGraph } from "./harness/graph.ts";
import { createTransactionIds, sendMessage } from "./harness/messages.ts";

const BEGIN_MS = Date.UTC(2026, 0, 31, 12);
/** The cities' clock; it stands still unless a test moves it. */
let nowMs = BEGIN_MS;
const at = (seconds: number) => new Date(BEGIN_MS + seconds * 1_000).toISOString();

let graph: Graph;
beforeAll(async () => {
  // Recovery is off, because it would finish the transactions under test.
  const clock = setClock(() => nowMs);
  graph = await startGraph({ recoveryIntervalMs: 3_600_000, clock });
});
afterAll(() => graph.close());

/** Asks, expecting no error. */
const ask = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await graph.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};
const newId = createTransactionIds(BEGIN_MS);

interface Listed {
  transactionId: string;
  role: string;
  state: string;
  createdAt: string;
}

describe("the list of a city", () => {
  /**
   * All transactions that Saint-Louis knows, newest first. Some came in the same millisecond, in both tables.
   */
  let known: Listed[];
  beforeAll(async () => {
    const sql = graph.sql("saint-louis");
    await ask(`mutation { placeOrder(input: {
      clientId: "saint-louis:3", lines: [{ productId: "102", quantity: 1 }]
    }) { __typename } }`);
    for (let n = 0; n < 30; n++) {
      const time = at(-1_000 - Math.floor(n / 4));
      const id = newId(n % 3 === 0 ? "saint-louis" : n % 3 === 1 ? "autres" : "thies");
      if (n % 3 === 0) {
        await sql`insert into transaction_decision (transaction_id, state, answer, decided_at)
          values (${id}, 'ABORTED', '{"state": "ABORTED"}', ${time})`;
      } else {
        const state = ["PREPARED", "COMMITTED", "ABORTED"][n % 5 < 2 ? 0 : n % 2 === 0 ? 1 : 2]!;
        const decidedAt = state === "PREPARED" ? null : time;
        await sql`insert into participation (transaction_id, kind, state, created_at, decided_at, next_attempt_at)
          values (${id}, 'ORDER', ${state}, ${time}, ${decidedAt}, ${time})`;
      }
    }
    const rows = await sql<Listed[]>`
      select transaction_id as "transactionId", 'HOME' as role, state, decided_at as "createdAt" from transaction_decision
      union all
      select transaction_id, 'PARTICIPANT', replace(state, 'PREPARED', 'IN_DOUBT'), created_at from participation`;
    known = rows.map((row) => ({ ...row, createdAt: new Date(row.createdAt).toISOString() }));
    const key = ({ createdAt, transactionId }: Listed) => `${createdAt} ${transactionId}`;
    known.sort((a, b) => (key(a) < key(b) ? 1 : -1));
  });

  const page = async (variables: object) =>
    (
      await ask(
        `query ($first: Int, $after: String, $state: CityTransactionState, $role: TransactionRole) { city(id: "saint-louis") {
          transactions(first: $first, after: $after, state: $state, role: $role) {
            totalCount pageInfo { hasNextPage endCursor } edges { node { transactionId role state createdAt } }
          }
        } }`,
        { ...variables },
      )
    ).city.transactions;

  const STATES = [null, "IN_DOUBT", "COMMITTED", "ABORTED"];
  const ROLES = [null, "HOME", "PARTICIPANT"];
  test.each(STATES.flatMap((state) => ROLES.map((role) => [state, role])))(
    "of state %s and role %s follows page on page without gap or repetition",
    async (state, role) => {
      const expected = known.filter(
        (row) => (state === null || row.state === state) && (role === null || row.role === role),
      );
      expect(expected.length === 0).toBe(state === "IN_DOUBT" && role === "HOME");
      for (const first of [4, 100]) {
        const seen: Listed[] = [];
        let after: string | null = null;
        for (let pages = 0; pages < 20; pages++) {
          const { totalCount, pageInfo, edges } = await page({ first, after, state, role });
          expect(totalCount).toBe(expected.length);
          seen.push(...edges.map(({ node }: { node: Listed }) => node));
          after = pageInfo.endCursor;
          if (!pageInfo.hasNextPage) break;
        }
        expect(seen).toEqual(expected);
      }
    },
  );

  test("says for how long each is in doubt, by the city's clock", async () => {
    const listed = async () => {
      const { city } = await ask(`{ city(id: "thies") {
        transactions(role: PARTICIPANT, state: IN_DOUBT) { edges { node {
          transactionId kind createdAt deadline decidedAt attempts inDoubtForSeconds lines { product { name } quantity }
        } } }
        health { inDoubt oldestInDoubtAt }
      } }`);
      const transactions = city.transactions.edges.map(({ node }: { node: object }) => node);
      return { transactions, health: city.health };
    };
    const prepare = (home: string) => ({
      transactionId: newId(home),
      kind: "TRANSFER",
      lines: [{ productId: "110", quantity: 1 }],
      leaseMs: 30_000,
    });
    const [older, newer] = [prepare("autres"), prepare("dakar")];
    await sendMessage(graph, "thies", "prepare", [older]);
    nowMs += 90_000;
    await sendMessage(graph, "thies", "prepare", [newer]);
    nowMs += 1_500;
    const node = {
      kind: "TRANSFER",
      decidedAt: null,
      attempts: 0,
      lines: [{ product: { name: "Souris Gamer" }, quantity: 1 }],
    };
    const ages = (ofNewer: number, ofOlder: number) => [
      {
        ...node,
        transactionId: newer.transactionId,
        createdAt: at(90),
        deadline: at(120),
        inDoubtForSeconds: ofNewer,
      },
      {
        ...node,
        transactionId: older.transactionId,
        createdAt: at(0),
        deadline: at(30),
        inDoubtForSeconds: ofOlder,
      },
    ];
    const { transactions, health } = await listed();
    expect(transactions).toEqual(ages(1.5, 91.5));
    expect(health).toEqual({ inDoubt: 2, oldestInDoubtAt: at(0) });
    // A clock that was set back must not give a negative age.
    nowMs = BEGIN_MS + 30_000;
    expect((await listed()).transactions).toEqual(ages(0, 30));

    const decision = (id: string, outcome: string) => ({
      transactionId: id,
      kind: "TRANSFER",
      decision: outcome,
      lines: outcome === "ABORTED" ? [] : newer.lines,
    });
    await sendMessage(graph, "thies", "decide", [
      decision(older.transactionId, "ABORTED"),
      decision(newer.transactionId, "COMMITTED"),
    ]);
    expect((await listed()).transactions).toEqual([]);
    const { city } = await ask(`{ city(id: "thies") { transactions(role: PARTICIPANT) { edges { node {
      transactionId state decidedAt inDoubtForSeconds lines { quantity }
    } } } } }`);
    const finished = { decidedAt: at(30), inDoubtForSeconds: null };
    expect(city.transactions.edges.map(({ node }: { node: object }) => node)).toEqual([
      { ...finished, transactionId: newer.transactionId, state: "COMMITTED", lines: [{ quantity: 1 }] },
      // The city no longer holds what it had set aside.
      { ...finished, transactionId: older.transactionId, state: "ABORTED", lines: [] },
    ]);
  });
});
