/**
 * Goal: no client reads anything older than what it has seen or written, through any gateway. Method: two
 * whole gateways over real servers, whose database has a replica that is behind.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CREDENTIAL } from "./fixture/branch-service.ts";
import { NoteWorld } from "./fixture/notes.ts";
import { TokenSeal } from "./session/session-token.ts";

const ORIGIN = "https://shop.example";
const HEADER = "teranga-session";

const post = async (url: string, body: object, headers: Record<string, string | undefined> = {}) => {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...Object.fromEntries(given) },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as {
    data?: Record<string, unknown> | null;
    errors?: unknown;
    extensions?: { explain?: { fetches: { subgraph: string; readFrom?: string }[] } };
  };
  return { ...answer, status: response.status, token: response.headers.get(HEADER) ?? undefined, response };
};

describe.each(["teranga", "apollo"] as const)("by the engine %s", (engine) => {
  let world: NoteWorld;
  beforeAll(async () => {
    const publicUrl = "https://api.shop.example/graphql";
    world = await NoteWorld.start({ engine, corsOrigins: [ORIGIN], publicUrl });
  });
  afterAll(() => world.close());
  beforeEach(() => world.reset());

  const urlOf = (gateway: number) => `http://127.0.0.1:${world.gateways[gateway]!.port}/graphql`;
  /** Asks a gateway as a client with this token. @returns the note, and the client's token from then on */
  const ask = async (gateway: number, query: string, token?: string, headers = {}) => {
    const answer = await post(urlOf(gateway), { query }, { [HEADER]: token, ...headers });
    return { ...answer, errors: answer.errors, token: answer.token ?? token };
  };
  const read = async (gateway: number, token?: string) => {
    const { data, errors, ...answer } = await ask(gateway, "{ note }", token);
    expect(errors).toBeUndefined();
    return { ...answer, note: data!.note as number };
  };

  test.each(["write", "writeForMe"])(
    "what a client has written by %s it reads through another gateway, while the replica is behind",
    async (write) => {
      for (let round = 0; round < 10; round++) {
        const value = world.primary.value + 1;
        const { token } = await ask(value % 2, `mutation { ${write}(value: ${value}) }`);
        expect((await read((value + 1) % 2, token)).note).toBe(value);
        expect((await read(0)).note).not.toBe(value);
      }
    },
  );

  test("what a client has read at the primary is not gone when it reads through another gateway", async () => {
    const { token: writers } = await ask(0, "mutation { write(value: 77) }");
    const { token } = await read(0, writers);
    for (let time = 0; time < 4; time++) expect((await read(time % 2, token)).note).toBe(77);
  });

  test("what was read of a replica moves the token, and a replica that has it answers", async () => {
    const first = await read(0);
    expect(first.token).toBeDefined();
    const second = await ask(1, "{ note }", first.token, { "x-explain": "true" });
    expect(second.data).toEqual({ note: first.note });
    expect(second.extensions!.explain!.fetches).toMatchObject([{ readFrom: "replica notes-2" }]);
    expect(world.readAfters.at(-1)).toEqual({
      service: "notes",
      readAfter: expect.stringMatching(/^notes=1\.\d+$/),
    });
  });

  test("a hop that drops what a client has seen shows the old value: this file would see it", async () => {
    world.fail({ ignoresPositions: true });
    const { token } = await ask(0, "mutation { write(value: 5555) }");
    expect((await read(1, token)).note).not.toBe(5_555);
  });

  test.each<[string, Parameters<NoteWorld["fail"]>[0]]>([
    ["tells no position", { tellsNothing: true }],
    ["is lost", { losesAnswers: true }],
  ])("a write whose answer %s is seen all the same, whoever carried it out", async (_, faults) => {
    for (const write of ["write", "writeForMe"]) {
      world.fail(faults);
      const value = world.primary.value + 1;
      const { token } = await ask(0, `mutation { ${write}(value: ${value}) }`);
      world.fail({});
      expect(await read(1, token)).toMatchObject({ note: value });
      const later = await ask(1, "{ note }", token, { "x-explain": "true" });
      expect(later.extensions!.explain!.fetches).toMatchObject([{ readFrom: "primary behind" }]);
    }
  });

  test("what failed because there is no primary takes nothing away: the replica goes on to answer", async () => {
    const { note, token } = await read(0);
    world.fail({ hasNoPrimary: true });
    for (const operation of ["mutation { write(value: 5) }", "mutation { writeForMe(value: 5) }"]) {
      const failed = await ask(0, operation, token);
      expect(failed.errors).toMatchObject([{ extensions: { code: "SUBGRAPH_UNAVAILABLE" } }]);
      expect(await read(1, failed.token)).toMatchObject({ note });
    }
    const newer = tokenAt(1, world.primary.lsn);
    const unread = await ask(0, "{ note }", newer);
    expect(unread).toMatchObject({ errors: [{}], token: newer });
  });

  test("requests side by side end with a token each, and a client sends all of them", async () => {
    const old = await read(0);
    const [written, readBefore] = await Promise.all([
      ask(0, "mutation { write(value: 321) }", old.token),
      read(1, old.token),
    ]);
    expect((await read(1, `${written.token}, ${readBefore.token}`)).note).toBe(321);
    expect((await read(1, `${readBefore.token},${written.token}`)).note).toBe(321);
  });

  test.each<[string, string, string | undefined]>([
    ["forged", "AAAA.AAAAAAAAAAAAAAAAAAAAAA", "forged"],
    [
      "of another cluster",
      new TokenSeal("x").print({ positions: new Map(), uncertainUntilMs: 0 }, 0),
      "forged",
    ],
    ["nonsense", "%00<script>;=,,", "forged"],
    ["long", "A".repeat(10_000), "forged"],
    ["from the future", tokenAt(1, 1e15), "future"],
    ["of a timeline to come", tokenAt(9, 1), undefined],
  ])("a token that is %s does no harm", async (_, token, reason) => {
    const before = await refusedTokens(urlOf(0));
    const { status, errors, data, token: next } = await ask(0, "{ note }", token);
    expect([status, errors]).toEqual([200, undefined]);
    expect([world.primary.value, world.replica.value]).toContain(data!.note);
    expect((await read(0, next)).note).toBe(data!.note);
    const after = await refusedTokens(urlOf(0));
    if (reason) expect(after.get(reason) ?? 0).toBeGreaterThan(before.get(reason) ?? 0);
  });

  test("a megabyte of header is refused as any other, by a coded error", async () => {
    const { status, errors } = await post(
      urlOf(0),
      { query: "{ note }" },
      { [HEADER]: "A".repeat(1_000_000) },
    );
    expect(status).toBe(431);
    expect(errors).toMatchObject([{ extensions: { code: "BAD_REQUEST" } }]);
  });

  test("a browser that asks for cookies keeps its tokens in them, also of requests side by side", async () => {
    const jar = new CookieJar();
    const browse = async (gateway: number, query: string) => {
      const cookie = jar.header;
      const answer = await post(urlOf(gateway), { query }, { [HEADER]: "cookie", cookie, origin: ORIGIN });
      jar.take(answer.response.headers.getSetCookie());
      return answer;
    };
    const first = await browse(0, "{ note }");
    expect(first.token).toBeUndefined();
    expect(first.response.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^teranga-session-[\w-]{8}=[\w-]+\.[\w-]+; Max-Age=300; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
      ),
    ]);
    await Promise.all([
      browse(0, "mutation { write(value: 654) }"),
      browse(1, "{ note }"),
      browse(0, "{ note }"),
    ]);
    expect((await browse(1, "{ note }")).data).toEqual({ note: 654 });
    expect(jar.size).toBe(1);
    // The page need not ask for each.
    const { response } = await post(urlOf(1), { query: "{ note }" }, { cookie: jar.header });
    expect(response.status).toBe(200);
  });

  test("pages of the configured origins may read the header, send it, and send cookies; others may not", async () => {
    const preflight = async (origin: string) => {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": `content-type,${HEADER}`,
      };
      return (await fetch(urlOf(0), { method: "OPTIONS", headers })).headers;
    };
    const own = await preflight(ORIGIN);
    expect(own.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(own.get("access-control-allow-credentials")).toBe("true");
    expect(own.get("access-control-allow-headers")).toContain(HEADER);
    const { response } = await post(urlOf(0), { query: "{ note }" }, { origin: ORIGIN });
    expect(response.headers.get("access-control-expose-headers")).toContain(HEADER);
    expect(response.headers.get("access-control-allow-credentials")).toBe("true");
    for (const other of ["https://evil.example", "https://sandbox.embed.apollographql.com"])
      expect((await preflight(other)).get("access-control-allow-credentials")).toBeNull();
  });

  test("a persisted query by GET carries the token too", async () => {
    const query = "{ note }";
    const persistedQuery = { version: 1, sha256Hash: createHash("sha256").update(query).digest("hex") };
    await post(urlOf(1), { query, extensions: { persistedQuery } });
    const { token } = await ask(0, "mutation { write(value: 888) }");
    const url = `${urlOf(1)}?extensions=${encodeURIComponent(JSON.stringify({ persistedQuery }))}`;
    const response = await fetch(url, { headers: { [HEADER]: token!, "apollo-require-preflight": "1" } });
    expect(await response.json()).toEqual({ data: { note: 888 } });
  });

  test("a deferred answer's last payload has the token of all of it", async () => {
    const response = await fetch(urlOf(1), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "multipart/mixed; deferSpec=20220824, application/json",
        [HEADER]: tokenAt(1, 1),
      },
      body: JSON.stringify({ query: "{ page { id ... @defer { note } } }" }),
    });
    const text = await response.text();
    const payloads = Array.from(text.matchAll(/^\{.*\}$/gm), ([json]) => JSON.parse(json));
    const last = payloads.at(-1);
    // The stock engine answers at once.
    const isInParts = engine === "teranga";
    expect(response.headers.has(HEADER)).toBe(!isInParts);
    const token = isInParts ? last.extensions[HEADER] : response.headers.get(HEADER);
    const [part] = payloads.flatMap(({ incremental = [] }) => incremental);
    expect((await read(0, token)).note).toBe(isInParts ? part.data.note : JSON.parse(text).data.page.note);
  });

  test("reads are counted by where they were answered", async () => {
    const { token } = await ask(0, "mutation { write(value: 1) }");
    await read(0, token);
    await read(0);
    const page = await (await fetch(new URL("/metrics", urlOf(0)))).text();
    for (const [source, reason] of [
      ["replica", ""],
      ["primary", "behind"],
      ["primary", "write"],
    ])
      expect(page).toMatch(
        new RegExp(
          `^teranga_gateway_reads_total\\{subgraph="notes",source="${source}",reason="${reason}"\\} [1-9]`,
          "m",
        ),
      );
  });
});

test("without a place that can be behind, services are told nothing, and clients neither", async () => {
  const world = await NoteWorld.start({}, { hasReplica: false });
  try {
    const { port } = world.gateways[0]!;
    world.readAfters.length = 0;
    for (const query of ["{ note }", "mutation { write(value: 1) }", "mutation { writeForMe(value: 1) }"]) {
      const answer = await post(`http://127.0.0.1:${port}/graphql`, { query }, { [HEADER]: tokenAt(1, 5) });
      expect(answer.errors).toBeUndefined();
      expect(answer.token).toBeUndefined();
    }
    expect(new Set(world.readAfters.map(({ readAfter }) => readAfter))).toEqual(new Set([null]));
  } finally {
    await world.close();
  }
});

function tokenAt(timeline: number, lsn: number): string {
  const positions = new Map([["notes", { timeline, lsn }]]);
  return new TokenSeal(CREDENTIAL).print({ positions, uncertainUntilMs: 0 }, 0);
}

async function refusedTokens(url: string): Promise<Map<string, number>> {
  const page = await (await fetch(new URL("/metrics", url))).text();
  const found = page.matchAll(/^teranga_gateway_session_tokens_refused_total\{reason="(\w+)"\} (\d+)$/gm);
  return new Map(Array.from(found, ([, reason, count]) => [reason!, Number(count)]));
}

/** What a browser does with cookies, as far as these tests need it. */
class CookieJar {
  readonly #cookies = new Map<string, string>();

  get header(): string | undefined {
    return this.size === 0 ? undefined : Array.from(this.#cookies, (cookie) => cookie.join("=")).join("; ");
  }

  get size(): number {
    return this.#cookies.size;
  }

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (line.includes("Max-Age=0")) this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
  }
}
