/**
 * Goal: the fragments are complete and disjoint, and together give back the global tables. Method: properties
 * over the sample data and over random clients, and the loaded databases.
 */
import { randomUUID } from "node:crypto";
import { prepareCatalogDatabase } from "@teranga/catalog/database.ts";
import { prepareCityDatabase } from "@teranga/city/database.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { normalise } from "@teranga/kit/topology/partition.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { fragment, loadSampleData, readSampleData, type SampleClient, spreadStock } from "./sample-data.ts";

const placement = partitionsOf(
  parseTopology(`
subgraphs:
  city:
    partitions:
      dakar: { name: Dakar, towns: [Dakar], location: { latitude: 14.69, longitude: -17.44 }, urls: ["http://127.0.0.1:1/"] }
      thies: { name: Thiès, towns: [Thiès], location: { latitude: 14.79, longitude: -16.93 }, urls: ["http://127.0.0.1:2/"] }
      saint-louis: { name: Saint-Louis, towns: [Saint-Louis], location: { latitude: 16, longitude: -16.48 }, urls: ["http://127.0.0.1:3/"] }
      autres: { name: Autres, default: true, location: { latitude: 14.16, longitude: -16.07 }, urls: ["http://127.0.0.1:4/"] }
`),
  "city",
);
const { partitionOf } = placement;
const CITY_IDS = placement.partitions.map(({ id }) => id);
const data = await readSampleData();

const byNumber = (a: SampleClient, b: SampleClient) => a.number - b.number;

/**
 * Complete and disjoint: each client is in exactly one fragment, unchanged, and the fragments hold no other
 * clients.
 */
function expectReconstructed(clients: readonly SampleClient[]): void {
  const fragments = fragment({ clients, products: [] }, CITY_IDS, partitionOf);
  expect([...fragments.keys()]).toEqual(CITY_IDS);
  const together = [...fragments.values()].flatMap((each) => each.clients).sort(byNumber);
  expect(together.map(({ id: _id, ...client }) => client)).toEqual([...clients].sort(byNumber));
  for (const [cityId, { clients: own }] of fragments) {
    for (const { id, number, town } of own)
      expect([id, partitionOf(town)]).toEqual([`${cityId}:${number}`, cityId]);
  }
}

describe("clients, cut by row", () => {
  test("the sample: every client in one fragment, nobody lost or doubled", () => {
    expectReconstructed(data.clients);
  });

  test("any clients of any towns, however they are written", () => {
    const towns = fc.oneof(
      fc.constantFrom(
        "Dakar",
        "DAKAR",
        "thiès",
        "THIES",
        "Thie\u0300s",
        "Saint Louis",
        "SAINT-LOUIS",
        "Kaolack",
        "autres",
        "",
      ),
      fc.string({ unit: "grapheme", maxLength: 40 }).filter((town) => !town.includes(":")),
    );
    const client = fc.record({ number: fc.nat(), name: fc.string(), email: fc.emailAddress(), town: towns });
    const clients = fc.uniqueArray(client, { selector: ({ number }) => number, maxLength: 60 });
    fc.assert(fc.property(clients, expectReconstructed), { numRuns: 200 });
  });
});

describe("products, cut by column, and their stock, spread by row", () => {
  test("the sample: the cities' stock adds up to the global table's", () => {
    const fragments = [...fragment(data, CITY_IDS, partitionOf).values()];
    const totals = new Map<string, number>();
    for (const { productId, onHand } of fragments.flatMap(({ stock }) => stock)) {
      expect(onHand).toBeGreaterThan(0);
      totals.set(productId, (totals.get(productId) ?? 0) + onHand);
    }
    expect(data.products.map(({ id }) => [id, totals.get(id)])).toEqual(
      data.products.map(({ id, stock }) => [id, stock]),
    );
    expect(totals.size).toBe(data.products.length);
    for (const { stock } of fragments)
      expect(new Set(stock.map(({ productId }) => productId)).size).toBe(stock.length);
  });

  test("product 101: Dakar 8, Thiès 5, Saint-Louis 4, the others 3", () => {
    expect([...spreadStock(20, CITY_IDS, "autres")]).toEqual([
      ["dakar", 8],
      ["thies", 5],
      ["saint-louis", 4],
      ["autres", 3],
    ]);
  });

  test("any total adds up over any cities, and no city has less than nothing", () => {
    const someCities = fc.subarray(CITY_IDS.slice(0, -1)).map((ids) => [...ids, "autres"]);
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), someCities, (total, cityIds) => {
        const pieces = [...spreadStock(total, cityIds, "autres").values()];
        expect(pieces.reduce((sum, each) => sum + each, 0)).toBe(total);
        expect(Math.min(...pieces)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("the sample", () => {
  test("begins with the rows that were given", () => {
    const row = ({ number, name, town, email }: SampleClient) => `${number} ${name}, ${town}, ${email}`;
    expect(data.clients.slice(0, 10).map(row)).toEqual([
      "1 Mamadou Ndiaye, Dakar, mndiaye@example.com",
      "2 Awa Diop, Thiès, adiop@example.com",
      "3 Ibrahima Ba, Saint-Louis, iba@example.com",
      "4 Fatou Sow, Dakar, fsow@example.com",
      "5 Oumar Fall, Ziguinchor, ofall@example.com",
      "6 Khadija Seck, Thiès, kseck@example.com",
      "7 Modou Gaye, Kaolack, mgaye@example.com",
      "8 Aissatou Diallo, Dakar, adiallo@example.com",
      "9 Cheikh Diagne, Saint-Louis, cdiagne@example.com",
      "10 Seynabou Sy, Ziguinchor, ssy@example.com",
    ]);
    expect(data.products.slice(0, 10).map((product) => Object.values(product).join(" | "))).toEqual([
      "101 | Ordinateur HP | PC portable 15 pouces | 450000 | 20",
      "102 | Smartphone Samsung | Galaxy S22, 128 Go | 350000 | 50",
      "103 | Casque Bluetooth | Casque sans fil Sony | 75000 | 30",
      "104 | Tablette iPad | iPad Air 10.9 pouces | 600000 | 15",
      "105 | Disque Dur Externe | 1 To, USB 3.0 | 55000 | 40",
      "106 | Clavier Mécanique | Clavier gamer rétroéclairé | 65000 | 25",
      "107 | Imprimante HP Laser | Imprimante laser monochrome | 175000 | 10",
      "108 | Chargeur Universel | Chargeur rapide 65W | 30000 | 60",
      "109 | Écouteurs sans fil | Écouteurs Bluetooth | 45000 | 35",
      "110 | Souris Gamer | Souris optique 8000 DPI | 40000 | 45",
    ]);
  });

  test("has 50 clients and 50 products, numbered on, each known by one name and one e-mail", () => {
    expect(data.clients.map(({ number }) => number)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect(data.products.map(({ id }) => id)).toEqual(
      Array.from({ length: 50 }, (_, index) => String(101 + index)),
    );
    expect(new Set(data.clients.map(({ name }) => name)).size).toBe(50);
    expect(new Set(data.clients.map(({ email }) => email)).size).toBe(50);
    expect(new Set(data.products.map(({ name }) => normalise(name))).size).toBe(50);
    for (const { name, email } of data.clients) {
      const [first, last] = [name, name.split(" ").at(-1)!].map((text) => normalise(text));
      expect(email).toMatch(new RegExp(`^${first![0]}${last}\\d?@example\\.com$`));
    }
  });

  test("has at least 8 towns, of which at least 6 have no city of their own", () => {
    const towns = new Set(data.clients.map(({ town }) => town));
    expect(towns.size).toBeGreaterThanOrEqual(8);
    expect([...towns].filter((town) => partitionOf(town) === "autres").length).toBeGreaterThanOrEqual(6);
  });
});

describe("in the databases", () => {
  const databases = new Map<string, Database>();
  const sqlOf = (name: string) => databases.get(name)!.sql;
  const load = () =>
    loadSampleData({
      catalogs: new Map([[null, sqlOf("catalog")]]),
      cities: new Map(CITY_IDS.map((id) => [id, sqlOf(id)])),
      partitionOf,
    });

  beforeAll(async () => {
    const admin = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
    for (const owner of ["catalog", ...CITY_IDS]) {
      const url = new URL(inject("postgresUrl"));
      url.pathname = `sample-${owner}-${randomUUID()}`;
      await admin.sql`create database ${admin.sql(url.pathname.slice(1))}`;
      databases.set(owner, openDatabase({ url: url.href, applicationName: "test", connections: 2 }));
    }
    await admin.close();
    await prepareCatalogDatabase(sqlOf("catalog"));
    for (const id of CITY_IDS) await prepareCityDatabase(sqlOf(id), id, placement);
  });
  afterAll(() => Promise.all([...databases.values()].map(({ close }) => close())));

  /** The loaded data, put together as the global tables. */
  async function globalTables() {
    const cities = CITY_IDS.map(async (id) => ({
      clients: await sqlOf(id)`select split_part(id, ':', 2)::int as number, name, email, town from client`,
      stock: await sqlOf(id)`select product_id as id, on_hand, reserved from stock`,
    }));
    const loaded = await Promise.all(cities);
    const products = await sqlOf("catalog")`select id, name, description, price from product order by id`;
    const onHand = (id: string) =>
      loaded
        .flatMap(({ stock }) => stock.filter((row) => row.id === id))
        .reduce((sum, row) => sum + row.on_hand, 0);
    return {
      clients: loaded.flatMap(({ clients }) => clients as unknown as SampleClient[]).sort(byNumber),
      products: products.map((product) => ({ ...product, stock: onHand(product.id) })),
    };
  }

  test("loading at once from two programs, and again, gives the global tables once", async () => {
    await Promise.all([load(), load()]);
    await load();
    expect(await globalTables()).toEqual(data);
  });

  test("each level of stock is explained by one movement", async () => {
    for (const id of CITY_IDS) {
      expect(
        await sqlOf(id)`select from stock natural left join (
          select product_id, sum(on_hand_change) as moved, min(reason) as reason, count(*) from stock_movement group by 1
        ) movement where (moved, reason, count, reserved) is distinct from (on_hand, 'RESTOCKED', 1, 0)`,
      ).toHaveLength(0);
    }
  });

  const wallets = async () => {
    const rows = CITY_IDS.map(
      (id) => sqlOf(id)<{ client_id: string; balance: number }[]>`
      select client_id, balance from wallet join (
        select client_id, sum(amount)::bigint as balance from ledger_entry group by 1
      ) entries using (client_id, balance)`,
    );
    return Object.fromEntries((await Promise.all(rows)).flat().map((row) => [row.client_id, row.balance]));
  };
  const SAMPLE_WALLETS = {
    "dakar:1": 2_000_000,
    "thies:2": 1_000_000,
    "saint-louis:3": 500_000,
    "autres:5": 750_000,
  };

  test("some clients have money, and the ledger says where it came from", async () => {
    expect(await wallets()).toEqual(SAMPLE_WALLETS);
    for (const id of CITY_IDS) {
      const [sums] = await sqlOf(id)`
        select count(*)::int as entries, sum(amount)::int as sum, min(reason) as reason
        from ledger_posting join ledger_entry on posting_id = ledger_posting.id`;
      expect(sums).toMatchObject({ entries: 2, sum: 0, reason: "TOP_UP" });
    }
  });

  test("new ids come after the sample's, in every city", async () => {
    for (const id of CITY_IDS)
      expect(await sqlOf(id)`select nextval('client_number')`).toEqual([{ nextval: 51 }]);
    expect(await sqlOf("catalog")`select nextval('product_number')`).toEqual([{ nextval: 151 }]);
  });

  test("after an interruption, what is missing is loaded, and what is there stays as it is", async () => {
    await sqlOf("thies")`update client set phone = '+221771234567' where id = 'thies:2'`;
    await sqlOf("autres")`truncate client, stock, ledger_posting cascade`;
    await sqlOf("catalog")`truncate product`;
    await load();
    expect(await globalTables()).toEqual(data);
    expect(await wallets()).toEqual(SAMPLE_WALLETS);
    expect(await sqlOf("thies")`select phone from client where id = 'thies:2'`).toEqual([
      { phone: "+221771234567" },
    ]);
  });
});
