import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readConfig } from "../process/config.ts";
import { redisVariables, showTarget } from "./redis-url.ts";

const read = (REDIS_URL: string) => readConfig(z.object(redisVariables), { REDIS_URL }).REDIS_URL;
const nobody = { username: undefined, password: undefined };
const plain = { sentinel: undefined, login: nobody, database: 0, tls: false };

describe("REDIS_URL", () => {
  it("may be left out", () => expect(read("")).toBeUndefined());

  it.each([
    ["redis://cache", { ...plain, addresses: [{ host: "cache", port: 6379 }] }],
    ["redis://10.0.0.1:7000/3", { ...plain, addresses: [{ host: "10.0.0.1", port: 7000 }], database: 3 }],
    ["rediss://[::1]:7000/", { ...plain, addresses: [{ host: "::1", port: 7000 }], tls: true }],
    [
      "redis://app:p%40ss@word@cache",
      {
        ...plain,
        addresses: [{ host: "cache", port: 6379 }],
        login: { username: "app", password: "p@ss@word" },
      },
    ],
    [
      "redis://:secret@cache",
      {
        ...plain,
        addresses: [{ host: "cache", port: 6379 }],
        login: { username: undefined, password: "secret" },
      },
    ],
    [
      "redis+sentinel://:secret@a,b:7000,c/shop?db=2&tls=true&sentinel-user=s&sentinel-password=t",
      {
        addresses: [
          { host: "a", port: 26_379 },
          { host: "b", port: 7000 },
          { host: "c", port: 26_379 },
        ],
        sentinel: { primary: "shop", login: { username: "s", password: "t" } },
        login: { username: undefined, password: "secret" },
        database: 2,
        tls: true,
      },
    ],
  ])("reads %s", (url, target) => expect(read(url)).toEqual(target));

  it.each([
    ["http://secret@cache", "is not a URL such as redis://"],
    ["secret", "is not a URL such as redis://"],
    ["redis://", "names no host"],
    ["redis://user:secret@", "names no host"],
    ["redis://se cret", "has a host that is none"],
    ["redis://cache:0", "has a port that is not 1 to 65535"],
    ["redis://cache:70000", "has a port that is not 1 to 65535"],
    ["redis://cache/secret", "has a database that is not a number"],
    ["redis://a,b", "names several hosts"],
    ["redis://cache?secret=1", "has options after a ?"],
    ["redis://:secret%4@cache", "has a % in the password"],
    ["redis+sentinel://a,b", "names no primary"],
    ["redis+sentinel://a,b/x/y", "names no primary"],
    ["redis+sentinel://a/shop?secret=1", "has an unknown option; there are db, tls"],
    ["redis+sentinel://a/shop?tls=secret", "has an option tls that is not true or false"],
    [`redis+sentinel://${Array(20).fill("a").join(",")}/shop`, "names more than 16 hosts"],
  ])("refuses %s in one line that does not repeat it", (url, problem) => {
    expect(() => read(url)).toThrow(`Configuration: REDIS_URL: ${problem}`);
    expect(() => read(url)).not.toThrow("secret");
  });

  it("is shown without user and password", () => {
    expect(showTarget(read("redis://app:secret@[::1]/1")!)).toBe("[::1]:6379");
    expect(showTarget(read("redis+sentinel://app:secret@a,b/shop")!)).toBe(
      "shop of the sentinels a:26379,b:26379",
    );
  });
});
