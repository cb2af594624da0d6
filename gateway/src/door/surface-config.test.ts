/**
 * Goal: nothing is shown by accident, and every limit can be set. Method: the variables, as read at the
 * start.
 */
import { readConfig } from "@teranga/kit/process/config.ts";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { surfaceOf } from "./surface.ts";
import { readSurface, surfaceVariables } from "./surface-config.ts";

const read = (env: Record<string, string>) => readSurface(readConfig(z.object(surfaceVariables), env));

describe("NODE_ENV", () => {
  test.each([
    {},
    { NODE_ENV: "" },
    { NODE_ENV: "production" },
    { NODE_ENV: "test" },
    { NODE_ENV: "Development" },
  ])("%j is production", async (env) => {
    expect(await read(env as Record<string, string>)).toEqual(surfaceOf("production"));
    expect(surfaceOf("production")).toMatchObject({ introspection: false, sandbox: false });
  });
  test("development is development", async () => {
    expect(await read({ NODE_ENV: "development" })).toEqual(surfaceOf("development"));
    expect(surfaceOf("development")).toMatchObject({ introspection: true, sandbox: true });
  });
});

test("introspection and Sandbox can be told on their own", async () => {
  expect(await read({ INTROSPECTION: "true" })).toEqual({ ...surfaceOf("production"), introspection: true });
  expect(await read({ SANDBOX: "true" })).toEqual({ ...surfaceOf("production"), sandbox: true });
  const closed = { NODE_ENV: "development", INTROSPECTION: "false", SANDBOX: "false" };
  expect(await read(closed)).toEqual({ ...surfaceOf("development"), introspection: false, sandbox: false });
});

test.each([
  ["DEPTH_MAX", "depthMax"],
  ["ALIASES_MAX", "aliasesMax"],
  ["ROOT_FIELDS_MAX", "rootFieldsMax"],
  ["TOKENS_MAX", "tokensMax"],
  ["COST_MAX", "costMax"],
  ["BODY_BYTES_MAX", "bodyBytesMax"],
])("%s sets %s", async (variable, limit) => {
  expect((await read({ [variable]: "77" })).limits).toEqual({ ...DEFAULT_LIMITS, [limit]: 77 });
});

test.each([
  [{ COST_MAX: "much" }, "Configuration: COST_MAX: is not a number"],
  [{ DEPTH_MAX: "0" }, "Configuration: DEPTH_MAX: must be 1 or more"],
  [{ TOKENS_MAX: "1.5" }, "Configuration: TOKENS_MAX: is not a whole number"],
  [{ BODY_BYTES_MAX: "1e12" }, "Configuration: BODY_BYTES_MAX: must be 1000000000 or less"],
  [{ INTROSPECTION: "yes" }, "Configuration: INTROSPECTION: is neither `true` nor `false`"],
  [{ SAFELIST_MODE: "maybe" }, "Configuration: SAFELIST_MODE: is neither `enforce` nor `log`"],
  [{ SAFELIST: "/nowhere/manifest.json" }, "Safelist /nowhere/manifest.json: ENOENT"],
])("%j is one line", async (env, line) => {
  await expect((async () => read(env as Record<string, string>))()).rejects.toThrow(line);
});
