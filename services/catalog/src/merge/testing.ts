/**
 * What the tests of conflicts share: a catalog, beside a node that is a row in the log, applied as a
 * replication worker does it.
 */
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { startTestCatalog, type TestCatalog } from "../testing.ts";

interface Applied {
  entity?: string;
  id?: string;
  kind?: string;
  patch: object;
  strategies: object;
  /** Whether its writer knew what the node had written to the row before. */
  next?: boolean;
}

const CONFLICT = `id field base strategy status reason resolvedAt
  winner { id value node at } losers { id value node at } product { id } supplier { id }`;

/** Call it at the top of a test file. Each test begins with products 7 and 8 and supplier 1. */
export function useTwoNodes() {
  let catalog: TestCatalog;
  let sequence = 0;
  beforeAll(async () => {
    catalog = await startTestCatalog();
    await catalog.sql`insert into known_node values ('thies')`;
  });
  afterAll(() => catalog?.close());
  beforeEach(async () => {
    await catalog.sql`truncate product, supplier`;
    await catalog.sql`
      insert into product (id, name, description, price) values ('7', 'Écran', 'HD', 100), ('8', 'Clavier', '', 50)`;
    await catalog.sql`insert into supplier (id, name, email) values ('1', 'Ndiaye', 'n@x.sn')`;
  });

  /** What a node wrote that had seen the row's creation and nothing of others since. Returns its id. */
  async function applyOfThies({
    entity = "Product",
    id = "7",
    kind = "EDIT",
    patch,
    strategies,
    next,
  }: Applied) {
    const known = JSON.stringify(next ? { thies: sequence } : {});
    sequence++;
    await catalog.sql.begin(async (sql) => {
      await sql`set local session_replication_role to replica`;
      await sql`
        insert into operation
          select 'thies', ${sequence}, ${entity}, ${id}, ${kind}, ${JSON.stringify(patch)}::text::jsonb,
            (select max(clock) + 1 from operation), jsonb_build_object('catalog', min(sequence)) || ${known}::text::jsonb,
            ${JSON.stringify(strategies)}::text::jsonb, 1, '2026-02-01T10:00:00Z'
          from operation where entity = ${entity} and id = ${id}`;
    });
    return `thies:${sequence}`;
  }

  async function ask(query: string, variables: Record<string, unknown> = {}) {
    const { data, errors } = await catalog.ask(query, variables);
    expect(errors).toBeUndefined();
    return data as Record<string, unknown>;
  }

  async function conflictsOf(id: string) {
    return (await ask(`query ($id: ID!) { product(id: $id) { name conflicts { ${CONFLICT} } } }`, { id }))
      .product as {
      name: string;
      conflicts: { id: string; status: string; losers: { id: string; value: string }[] }[];
    };
  }

  async function resolve(input: Record<string, unknown>) {
    const answer = await ask(
      `mutation ($input: ResolveConflictInput!) { resolveConflict(input: $input) { __typename
        ... on ConflictResolved { conflict { id status } } ... on Failure { message }
        ... on ConflictEndedOtherwise { conflict { id status } } ... on ConflictVersionGone { conflict { id } }
        ... on UnknownConflict { conflictId } ... on ProductNameTaken { product { id } } } }`,
      { input },
    );
    return answer.resolveConflict as Record<string, never>;
  }

  /** Two nodes rename product 7. */
  async function renameAtBoth() {
    await catalog.sql`update product set name = 'Moniteur' where id = '7'`;
    const other = await applyOfThies({ patch: { name: "Grand écran" }, strategies: { name: "MANUAL" } });
    return { other, conflict: (await conflictsOf("7")).conflicts[0]! };
  }

  return {
    sql: (strings: TemplateStringsArray, ...values: (string | number)[]) => catalog.sql(strings, ...values),
    send: (query: string, variables?: Record<string, unknown>) => catalog.ask(query, variables),
    takeStatements: () => catalog.takeStatements(),
    applyOfThies,
    ask,
    conflictsOf,
    resolve,
    renameAtBoth,
  };
}
