/**
 * Goal: keys are read again without a restart, within bounds: of the fetches that unknown keys cause, and of
 * the time for which keys are used that the issuer does not confirm. Method: virtual time; real HTTP, files.
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { VirtualTime } from "../../../kit/test/virtual-time.ts";
import {
  AUDIENCE,
  goodClaims,
  ISSUER,
  type IssuerKey,
  jwksOf,
  makeKey,
  sign,
  startKeyEndpoint,
} from "../fixture/issuer.ts";
import { KEPT_MS } from "./key-ring.ts";
import { COOLDOWN_MS, type KeySource, openKeyEndpoint, openKeyFile, RELOAD_MS } from "./key-source.ts";
import { TokenReader } from "./token-reader.ts";

const log = createLogger("test", "silent");
let keys: [IssuerKey, IssuerKey];
beforeAll(async () => {
  keys = [await makeKey("one"), await makeKey("two")];
});

const sources: KeySource[] = [];
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
});

const clock = new VirtualTime();

function readerOf(source: KeySource) {
  sources.push(source);
  const terms = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["ES256"], clockSkewS: 30 } as const;
  const reader = new TokenReader(terms, { source, log, nowMs: () => clock.nowMs });
  return async (token: string): Promise<string> => {
    try {
      const identity: Identity = await reader.read(token);
      return identity.role;
    } catch (error) {
      return String((error as { extensions: { code: string } }).extensions.code);
    }
  };
}

const tokenOf = (key: IssuerKey, kid = key.kid) =>
  sign({ ...key, kid }, { ...goodClaims(clock.nowMs), exp: 1e9 });

describe("an endpoint", () => {
  let shown: () => Promise<string>;
  let asked: number;
  beforeEach(() => {
    clock.nowMs = 0;
    asked = 0;
    shown = async () => jwksOf(keys[0]);
  });
  const away = () => Promise.reject(new Error("it does not answer"));

  const open = async () => {
    const startWait = (ms: number) => {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const cancel = clock.startTimer(ms, resolve);
      const end = () => {
        cancel();
        resolve();
      };
      return { over, end };
    };
    const readUrl = () => {
      asked++;
      return shown();
    };
    const source = await openKeyEndpoint("https://x", { log, nowMs: () => clock.nowMs, startWait, readUrl });
    return readerOf(source);
  };

  test("is asked each minute, and for a key that is not known at once", async () => {
    const read = await open();
    expect(await read(await tokenOf(keys[0]))).toBe("client");
    expect(asked).toBe(1);
    await clock.pass(RELOAD_MS);
    expect(asked).toBe(2);
    await clock.pass(COOLDOWN_MS);
    shown = async () => jwksOf(...keys);
    expect(await read(await tokenOf(keys[1]))).toBe("client");
    expect(asked).toBe(3);
  });

  test("is asked once in ten seconds, however many keys are not known", async () => {
    const read = await open();
    for (let second = 0; second < 50; second++) {
      const variants = Array.from({ length: 20 }, (_, each) => tokenOf(keys[1], `kid ${second} ${each}`));
      const said = await Promise.all((await Promise.all(variants)).map(read));
      expect(new Set(said)).toEqual(new Set(["TOKEN_INVALID"]));
      await clock.pass(1_000);
    }
    expect(asked).toBe(1 + 4);
    expect(await read(await tokenOf(keys[0]))).toBe("client");
  });

  test("whose key has gone: its tokens are refused within the minute, though they were remembered", async () => {
    const read = await open();
    const token = await tokenOf(keys[0]);
    expect(await read(token)).toBe("client");
    shown = async () => jwksOf(keys[1]);
    await clock.pass(RELOAD_MS - 1);
    expect(await read(token)).toBe("client");
    await clock.pass(1);
    expect(await read(token)).toBe("TOKEN_INVALID");
    expect(await read(await tokenOf(keys[1]))).toBe("client");
  });

  test("that shows no keys at all any more has withdrawn them", async () => {
    const read = await open();
    shown = async () => '{"keys":[]}';
    await clock.pass(RELOAD_MS);
    expect(await read(await tokenOf(keys[0]))).toBe("TOKEN_INVALID");
  });

  test.each<[string, () => Promise<string>]>([
    ["is down", away],
    ["answers with nothing", async () => ""],
    ["answers with a page", async () => "<html>Bad gateway</html>"],
    ["answers with another object", async () => '{"keys":{}}'],
    ["answers with something for keys", async () => '{"keys":[1]}'],
    [
      "answers with keys of no use",
      async () => '{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","x":"?"}]}',
    ],
    ["answers with private keys", async () => JSON.stringify({ keys: [{ ...keys[0].jwk, d: "AAAA" }] })],
    ["answers with too many", async () => JSON.stringify({ keys: Array(101).fill(keys[0].jwk) })],
  ])("that %s: the last keys are used for an hour, not for ever", async (_what, answer) => {
    const read = await open();
    const token = await tokenOf(keys[0]);
    expect(await read(token)).toBe("client");
    shown = answer;
    await clock.pass(RELOAD_MS + KEPT_MS - 1);
    expect(await read(token)).toBe("client");
    await clock.pass(1);
    expect(await read(token)).toBe("KEYS_UNAVAILABLE");
    shown = async () => jwksOf(keys[0]);
    await clock.pass(RELOAD_MS);
    expect(await read(token)).toBe("client");
  });

  test("that is down from the start: there are no keys, and it is asked again for a token", async () => {
    shown = away;
    const read = await open();
    const token = await tokenOf(keys[0]);
    expect(await read(token)).toBe("KEYS_UNAVAILABLE");
    for (let count = 0; count < 100; count++) await read(token);
    expect(asked).toBe(1);
    shown = async () => jwksOf(keys[0]);
    await clock.pass(COOLDOWN_MS);
    expect(await read(token)).toBe("client");
  });

  test("among whose keys one is of no use: the others are used", async () => {
    shown = async () =>
      JSON.stringify({ keys: [{ kty: "new" }, { kty: "EC", crv: "P-256", x: "?" }, keys[0].jwk] });
    const read = await open();
    expect(await read(await tokenOf(keys[0]))).toBe("client");
  });
});

describe("an endpoint over HTTP", () => {
  const opened = async (shown: string, status = 200) => {
    const endpoint = await startKeyEndpoint(shown);
    endpoint.status = status;
    const source = await openKeyEndpoint(endpoint.url, { log, nowMs: () => performance.now() });
    sources.push({
      ...source,
      close: async () => {
        await source.close();
        await endpoint.close();
      },
    });
    return { endpoint, count: source.keys?.count };
  };

  test("is read", async () => {
    expect((await opened(jwksOf(...keys))).count).toBe(2);
  });

  test.each([404, 500, 302])("with status %i shows no keys", async (status) => {
    const { endpoint, count } = await opened(jwksOf(...keys), status);
    expect(count).toBeUndefined();
    // A redirect was not followed.
    expect(endpoint.asked).toBe(1);
  });

  test("that answers without end is given up", async () => {
    expect((await opened(`{"keys":[${" ".repeat(300_000)}]}`)).count).toBeUndefined();
  });
});

describe("a file", () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "keys-"));
    file = join(directory, "jwks.json");
    clock.nowMs = 0;
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const open = async () => readerOf(await openKeyFile(file, { log, nowMs: () => clock.nowMs, pollMs: 50 }));
  const write = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };

  test("is watched: a key that comes is accepted, and one that goes is refused", async () => {
    await write(jwksOf(keys[0]));
    const read = await open();
    expect(await read(await tokenOf(keys[0]))).toBe("client");
    await write(jwksOf(keys[1]));
    await vi.waitFor(async () => expect(await read(await tokenOf(keys[1]))).toBe("client"));
    expect(await read(await tokenOf(keys[0]))).toBe("TOKEN_INVALID");
  });

  test("that becomes garbage: the last keys are used for an hour", async () => {
    await write(jwksOf(keys[0]));
    const lines: string[] = [];
    const watched = createLogger("test", "warn", { write: (line) => void lines.push(line) });
    const source = await openKeyFile(file, { log: watched, nowMs: () => clock.nowMs, pollMs: 50 });
    const read = readerOf(source);
    await write("garbage");
    await vi.waitFor(() => expect(lines.join("")).toContain("cannot be read"));
    expect(await read(await tokenOf(keys[0]))).toBe("client");
    clock.nowMs += KEPT_MS;
    expect(await read(await tokenOf(keys[0]))).toBe("KEYS_UNAVAILABLE");
  });

  test("that is missing or garbage at the start is said in one line", async () => {
    await expect(open()).rejects.toThrow(`JWKS_FILE: ${file}: cannot be read (ENOENT)`);
    await write("garbage");
    await expect(open()).rejects.toThrow(`JWKS_FILE: ${file}: it is no JSON Web Key Set`);
  });
});
