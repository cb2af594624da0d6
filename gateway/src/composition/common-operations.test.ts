/**
 * Goal: an operation that is valid against the common schema is valid against the schema of each partition.
 * Method: real SDL with a few random changes for each of three partitions, like those of releases; and random
 * operations on the common schema.
 */
import { readFileSync } from "node:fs";
import { readSchema } from "@teranga/schema/read-schema.ts";
import fc from "fast-check";
import {
  buildASTSchema,
  type GraphQLSchema,
  type InputValueDefinitionNode,
  Kind,
  parse,
  type TypeNode,
  validate,
  validateSchema,
} from "graphql";
import { expect, test } from "vitest";
import { randomOperation } from "../fixture/random-operation.ts";
import { commonSchema } from "./common-schema.ts";
import { printModel, readSdl, type SdlModel, type TypeModel } from "./sdl-model.ts";

const BASES = {
  city: readSchema("city"),
  branch: readFileSync(new URL("../fixture/branch.graphql", import.meta.url), "utf8"),
};

/** Thousands of runs have found nothing more. This many find each broken rule of the common schema. */
const RUNS = 20;
const OPERATIONS = 12;

/** A random whole number below `end`. */
type Draw = (end: number) => number;

/** A seeded generator (mulberry32), so that a failure can be replayed. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end) | 0;
  };
}

const pick = <Item>(items: readonly Item[], draw: Draw): Item | undefined => items[draw(items.length)];

const named = (name: string) => ({ kind: Kind.NAME, value: name }) as const;
const withoutNull = (type: TypeNode): TypeNode =>
  type.kind === Kind.NON_NULL_TYPE ? type.type : { kind: Kind.NON_NULL_TYPE, type };
/** Inverts the outer or an inner nullability of a type. */
function turned(type: TypeNode, draw: Draw): TypeNode {
  if (type.kind === Kind.LIST_TYPE && draw(2)) return { ...type, type: turned(type.type, draw) };
  if (type.kind === Kind.NON_NULL_TYPE && type.type.kind === Kind.LIST_TYPE && draw(2)) {
    return { ...type, type: { ...type.type, type: turned(type.type.type, draw) } };
  }
  return withoutNull(type);
}

/**
 * The changes that a release may make to a type. Each changes the model, or does nothing where it does not
 * apply.
 */
const CHANGES: ((type: TypeModel, draw: Draw, model: SdlModel) => void)[] = [
  ({ fields }, draw) => void fields.delete(pick([...fields.keys()], draw) ?? ""),
  ({ inputs }, draw) => void inputs.delete(pick([...inputs.keys()], draw) ?? ""),
  ({ values }, draw) => void values.delete(pick([...values.keys()], draw) ?? ""),
  ({ values }) => {
    if (values.size > 0) values.set("NEW", { kind: Kind.ENUM_VALUE_DEFINITION, name: named("NEW") });
  },
  (type, draw) => {
    const gone = pick(type.members, draw);
    type.members = type.members.filter((name) => name !== gone);
  },
  (type, draw) => {
    const gone = pick(type.interfaces, draw);
    type.interfaces = type.interfaces.filter((name) => name !== gone);
  },
  ({ name }, _draw, { types }) => void types.delete(name),
  ({ fields }, draw) => {
    const field = pick([...fields.values()], draw);
    if (field) field.type = turned(field.type, draw);
  },
  ({ fields }, draw) => {
    const field = pick([...fields.values()], draw);
    field?.args.delete(pick([...field.args.keys()], draw) ?? "");
  },
  ({ fields }, draw) => {
    const args = pick([...fields.values()], draw)?.args;
    const argument = args && pick([...args.values()], draw);
    if (argument) args.set(argument.name.value, changedInput(argument, draw));
  },
  ({ inputs }, draw) => {
    const input = pick([...inputs.values()], draw);
    if (input) inputs.set(input.name.value, changedInput(input, draw));
  },
  ({ fields, inputs }, draw) => {
    const to = inputs.size > 0 ? inputs : pick([...fields.values()], draw)?.args;
    const type: TypeNode = { kind: Kind.NAMED_TYPE, name: named("Int") };
    const added = { kind: Kind.INPUT_VALUE_DEFINITION, name: named("added"), type } as const;
    to?.set("added", draw(2) ? added : { ...added, type: withoutNull(type) });
  },
];

function changedInput(input: InputValueDefinitionNode, draw: Draw): InputValueDefinitionNode {
  const { defaultValue, ...rest } = input;
  if (defaultValue && draw(2)) return rest;
  return { ...input, type: turned(input.type, draw) };
}

/** The text after some random changes. A change that would make the schema invalid is not made. */
function changed(sdl: string, count: number, draw: Draw): string {
  let text = sdl;
  for (let made = 0; made < count; made++) {
    const model = readSdl(text);
    const type = pick([...model.types.values()], draw)!;
    pick(CHANGES, draw)!(type, draw, model);
    const next = printModel(model);
    if (schemaOf(next)) text = next;
  }
  return text;
}

/** Undefined if the text is no valid schema. */
function schemaOf(sdl: string): GraphQLSchema | undefined {
  try {
    const schema = buildASTSchema(parse(sdl), { assumeValidSDL: true });
    return validateSchema(schema).length === 0 ? schema : undefined;
  } catch {
    return undefined;
  }
}

test.each(Object.keys(BASES) as (keyof typeof BASES)[])(
  "what is valid in common is valid everywhere (%s)",
  (base) => {
    let offered = 0;
    const holds = (seed: number, count: number) => {
      const draw = drawFrom(seed);
      const sdls = [1, 2, 3].map(() => changed(BASES[base], count, draw));
      const served = sdls.map((sdl, index) => ({ partition: `p${index}`, sdl }));
      const { sdl } = commonSchema(served);
      const common = schemaOf(sdl);
      const schemas = sdls.map((text) => schemaOf(text)!);
      if (!common) throw new Error(`the common schema is none:\n${sdl}`);
      for (let made = 0; made < OPERATIONS; made++) {
        const text = randomOperation(common, draw);
        if (text === undefined) return;
        const operation = parse(text, { noLocation: true });
        expect(validate(common, operation), text).toEqual([]);
        for (const own of schemas) expect(validate(own, operation), text).toEqual([]);
        offered++;
      }
    };
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 8 }), holds), { numRuns: RUNS });
    // With nothing left in common, the test would prove nothing.
    expect(offered).toBeGreaterThan((RUNS * OPERATIONS) / 2);
  },
);
