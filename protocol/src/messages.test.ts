/**
 * Goal: the messages on the wire are those declared. Method: the city's SDL against the schemas, field by
 * field, with their types.
 */
import { readFileSync } from "node:fs";
import {
  buildASTSchema,
  type GraphQLObjectType,
  type GraphQLType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  parse,
} from "graphql";
import { describe, expect, test } from "vitest";
import { z } from "zod";
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
const schemaOf = (text: string) => buildASTSchema(parse(text), { assumeValidSDL: true });
const schema = schemaOf(sdl);

const inputs: Record<string, z.ZodObject> = {
  PrepareInput: prepareMessage,
  CommitOrderInput: orderCommit,
  CommitCancellationInput: cancellationCommit,
  CommitTransferInput: transferCommit,
  DecisionInput: decideMessage,
  OutcomeInput: outcomeMessage,
};

const answers: Record<string, z.ZodObject | z.ZodDiscriminatedUnion> = {
  PrepareAnswer: prepareAnswer,
  CommitAnswer: commitAnswer,
  DecideAnswer: decideAnswer,
  OutcomeAnswer: outcomeAnswer,
};

const membersOf = (answer: z.ZodObject | z.ZodDiscriminatedUnion) =>
  ("options" in answer ? answer.options : [answer]) as z.ZodObject[];

const MONEY = ["unitPrice", "balance"];

/** Where the SDL says something else than a schema of a message. */
function differences(said: z.core.$ZodType, type: GraphQLType, at: string): string[] {
  if (said instanceof z.ZodOptional) return differences(said.unwrap(), type, at);
  if (said instanceof z.ZodDefault || said instanceof z.ZodNullable || said instanceof z.ZodReadonly)
    return differences(said.unwrap(), type, at);
  const told = getNullableType(type);
  const unlessFits = (fits: boolean) => (fits ? [] : [`${at} is ${type}`]);
  if (said instanceof z.ZodArray)
    return isListType(told) && isNonNullType(told.ofType)
      ? differences(said.element, told.ofType, at)
      : unlessFits(false);
  if (said instanceof z.ZodObject) {
    if (!isObjectType(told) && !isInputObjectType(told)) return unlessFits(false);
    const fields = told.getFields();
    const missing = isInputObjectType(told)
      ? Object.keys(fields).filter((name) => !(name in said.shape))
      : [];
    return [
      ...missing.map((name) => `${at} has no ${name}`),
      ...Object.entries(said.shape).flatMap(([name, field]) =>
        fields[name]
          ? differences(field, fields[name].type, `${at}.${name}`)
          : [`${at}.${name} is not there`],
      ),
    ];
  }
  if (said instanceof z.ZodEnum || said instanceof z.ZodLiteral) {
    const values = said instanceof z.ZodEnum ? said.options : [...said.values];
    return unlessFits(isEnumType(told) && values.every((value) => told.getValue(String(value))));
  }
  const name = isScalarType(told) ? told.name : undefined;
  if (said instanceof z.ZodNumber)
    return unlessFits(name === (MONEY.some((money) => at.endsWith(`.${money}`)) ? "Amount" : "Int"));
  // The protocol hands on the word for a way of paying; the resolvers know the ways.
  if (said instanceof z.ZodString) return unlessFits(name === "ID" || name === "String" || isEnumType(told));
  throw new Error(`${at}: the comparison does not know ${said.constructor.name}`);
}

test.each(Object.entries(inputs))("%s has the fields of its message, of its types", (name, message) => {
  expect(differences(message, schema.getType(name)!, name)).toEqual([]);
});

test.each(Object.keys(inputs))("of %s every field is required, but for who asks to cancel", (name) => {
  const type = schema.getType(name);
  if (!isInputObjectType(type)) throw new Error(`${name} is no input`);
  const optional = Object.values(type.getFields()).filter((field) => !isNonNullType(field.type));
  const isNullable = name === "CommitCancellationInput" ? ["clientId"] : [];
  expect(optional.map((field) => field.name)).toEqual(isNullable);
});

test.each([
  ["leaseMs: Int!", "leaseMs: String!", "PrepareInput.leaseMs is String!"],
  ["lines: [ProductQuantityInput!]!", "lines: [ID!]!", "PrepareInput.lines is ID!"],
  [
    "lines: [ProductQuantityInput!]!",
    "lines: ProductQuantityInput!",
    "PrepareInput.lines is ProductQuantityInput!",
  ],
  ["unitPrice: Amount!", "unitPrice: Int!", "CommitOrderInput.lines.unitPrice is Int!"],
  ["  kind: TransactionKind!", "  kind: TransactionState!", "PrepareInput.kind is TransactionState!"],
  ["requested: Int!", "requested: [Int!]!", "PrepareAnswer.shortages.requested is [Int!]!"],
  ["leaseMs: Int!", "leaseMs: Int! tries: Int!", "PrepareInput has no tries"],
])("%s, written as %s, is found", (text, other, difference) => {
  expect(sdl).toContain(text);
  const changed = schemaOf(sdl.replaceAll(text, other));
  const found = [...Object.entries(inputs), ...Object.entries(answers)].flatMap(([name, message]) =>
    ("options" in message ? membersOf(message) : [message]).flatMap((each) =>
      differences(each, changed.getType(name)!, name),
    ),
  );
  expect(found).toContain(difference);
});

describe.each(Object.entries(answers))("%s", (name, answer) => {
  const type = schema.getType(name) as GraphQLObjectType;

  test("has a field for all that some answer says, of its type", () => {
    expect(membersOf(answer).flatMap((member) => differences(member, type, name))).toEqual([]);
  });

  test("has the states of the answers, and FAILED", () => {
    const states = getNullableType(type.getFields().state!.type);
    if (!isEnumType(states)) throw new Error("the state is no enum");
    const said = membersOf(answer).flatMap(({ shape }) => {
      const { state } = shape as { state: z.ZodEnum | z.ZodLiteral };
      return "options" in state ? state.options : [...state.values];
    });
    const told = states.getValues().map((value) => value.name);
    expect(told.sort()).toEqual([...said, "FAILED"].sort());
  });
});
