/**
 * Goal: the messages on the wire are those declared. Method: the city's SDL
 * against the schemas, field by field.
 */
import { readFileSync } from "node:fs";
import {
  buildASTSchema,
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isNonNullType,
  parse,
} from "graphql";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import {
  cancellationCommit,
  commitAnswer,
  decideAnswer,
  decideMessage,
  orderCommit,
  outcomeAnswer,
  outcomeMessage,
  prepareAnswer,
  prepareMessage,
  transferCommit,
} from "./messages.ts";

const sdl = readFileSync(new URL("../../schema/city.graphql", import.meta.url), "utf8");
const schema = buildASTSchema(parse(sdl), { assumeValidSDL: true });

const inputs: Record<string, z.ZodObject> = {
  PrepareInput: prepareMessage,
  CommitOrderInput: orderCommit,
  CommitCancellationInput: cancellationCommit,
  CommitTransferInput: transferCommit,
  DecisionInput: decideMessage,
  OutcomeInput: outcomeMessage,
};

test.each(Object.entries(inputs))(
  "%s has the fields of its message, all of them required",
  (name, message) => {
    const fields = (schema.getType(name) as GraphQLInputObjectType).getFields();
    expect(Object.keys(fields).sort()).toEqual(Object.keys(message.shape).sort());
    expect(Object.values(fields).every(({ type }) => isNonNullType(type))).toBe(true);
  },
);

const answers: Record<string, z.ZodObject | z.ZodDiscriminatedUnion> = {
  PrepareAnswer: prepareAnswer,
  CommitAnswer: commitAnswer,
  DecideAnswer: decideAnswer,
  OutcomeAnswer: outcomeAnswer,
};

describe.each(Object.entries(answers))("%s", (name, answer) => {
  const members = ("options" in answer ? answer.options : [answer]) as z.ZodObject[];
  const fields = (schema.getType(name) as GraphQLObjectType).getFields();

  test("has a field for all that some answer says", () => {
    const said = new Set(members.flatMap(({ shape }) => Object.keys(shape)));
    expect(Object.keys(fields)).toEqual(expect.arrayContaining([...said]));
  });

  test("has the states of the answers, and FAILED", () => {
    const type = getNamedType(fields.state!.type);
    if (!isEnumType(type)) throw new Error("the state is no enum");
    const states = members.flatMap(({ shape }) => {
      const { state } = shape as { state: z.ZodEnum | z.ZodLiteral };
      return "options" in state ? state.options : [...state.values];
    });
    expect(
      type
        .getValues()
        .map((value) => value.name)
        .sort(),
    ).toEqual([...states, "FAILED"].sort());
  });
});
