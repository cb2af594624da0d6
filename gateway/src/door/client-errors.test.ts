/**
 * Goal: which words of an error are shown to whom. Method: single errors as Apollo Server and the engine make
 * them.
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError } from "graphql";
import { describe, expect, test } from "vitest";
import { createFormatError } from "./client-errors.ts";

const isOurs = (subgraph: string) => subgraph !== "foreign";
const format = (showsFaults: boolean) => {
  const formatError = createFormatError(isOurs, { showsFaults });
  return (error: GraphQLError) => formatError(error.toJSON(), error);
};

const thrown = new GraphQLError("the table clients is missing", {
  originalError: new TypeError("the table clients is missing"),
  extensions: { code: "INTERNAL_SERVER_ERROR" },
  path: ["a"],
});
const said = (serviceName: string, code?: string) =>
  new GraphQLError("the table clients is missing", {
    extensions: { ...(code && { code }), serviceName },
    path: ["a"],
  });

describe("in production", () => {
  test.each([
    ["a fault of the gateway", thrown],
    ["a fault of a service of ours", said("city")],
    ["its code that is none of ours", said("city", "SQL_42P01")],
  ])("%s is masked", (_, error) => {
    const formatted = format(false)(error);
    expect(formatted).toMatchObject({ path: ["a"], extensions: { code: "INTERNAL_SERVER_ERROR" } });
    expect(JSON.stringify(formatted)).not.toMatch(/clients|stack|SQL|city/);
  });
});

describe("in development", () => {
  test("a fault of the gateway has its words and its stack", () => {
    const { message, extensions } = format(true)(thrown);
    expect(message).toBe("the table clients is missing");
    expect(extensions!.code).toBe("INTERNAL_SERVER_ERROR");
    const stack = extensions!.stacktrace as string[];
    expect(stack[0]).toBe("TypeError: the table clients is missing");
    expect(stack.length).toBeLessThanOrEqual(20);
  });
  test("a fault of a service has its words, and no stack of ours", () => {
    expect(format(true)(said("city"))).toEqual({
      message: "the table clients is missing",
      path: ["a"],
      extensions: { code: "INTERNAL_SERVER_ERROR" },
    });
  });
});

describe.each([true, false])("whether faults are shown or not (%s)", (showsFaults) => {
  test("errors that are meant for clients stay as they are", () => {
    const error = codedError("CITY_UNAVAILABLE", 'The city "dakar" is unavailable.', { city: "dakar" });
    expect(format(showsFaults)(error)).toMatchObject({
      message: 'The city "dakar" is unavailable.',
      extensions: { code: "CITY_UNAVAILABLE", city: "dakar" },
    });
  });
  test("services that are not ours say what they like", () => {
    expect(format(showsFaults)(said("foreign", "SQL_42P01"))).toMatchObject({
      message: "the table clients is missing",
      extensions: { code: "SQL_42P01" },
    });
  });
});
