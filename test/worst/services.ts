/**
 * The shop's services in a process of their own, with made-up rows: every requested row exists, lists have
 * their greatest length, and a text is as long as a description. Prints the port on which all of them listen,
 * each at its name as the path.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { readSchema } from "@teranga/schema/read-schema.ts";
import {
  type GraphQLFieldResolver,
  type GraphQLLeafType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNullableType,
  graphql,
  isEnumType,
  isLeafType,
  isListType,
  isObjectType,
  isUnionType,
  parse,
} from "graphql";

const LIST_LENGTH = 3;
const DESCRIPTION = "d".repeat(2_000);
const VALUES: Record<string, unknown> = {
  ID: "dakar:1",
  Boolean: true,
  Int: 1,
  Float: 1.5,
  Amount: 1_000,
  DateTime: "2026-01-31T12:00:00.000Z",
};

interface Row {
  __typename?: string;
  /** The number of entries of a page. */
  length: number;
}

/** The value of a field: from the entity's representation, else made up. */
const makeUp: GraphQLFieldResolver<Partial<Row> & Record<string, unknown>, unknown> = (
  row,
  args,
  _,
  { fieldName, returnType },
) => row?.[fieldName] ?? madeUp(returnType, fieldName, (args.first as number) ?? row?.length ?? LIST_LENGTH);

function madeUp(type: GraphQLOutputType, field: string, length: number): unknown {
  const bare = getNullableType(type);
  if (isListType(bare)) return Array.from({ length }, () => madeUp(bare.ofType, field, LIST_LENGTH));
  if (isLeafType(bare)) return leafOf(bare, field);
  if (isUnionType(bare)) return { __typename: bare.getTypes()[0]!.name, length };
  return { ...(isObjectType(bare) && { __typename: bare.name }), length };
}

function leafOf(type: GraphQLLeafType, field: string): unknown {
  if (isEnumType(type)) return type.getValues()[0]!.value;
  return field === "description" ? DESCRIPTION : (VALUES[type.name] ?? field);
}

function schemaOf(name: "catalog" | "city" | "orders"): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs: parse(readSchema(name)) }]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("_")) continue;
    for (const field of Object.values(type.getFields())) {
      if (!field.name.startsWith("_")) field.resolve = makeUp;
    }
  }
  return schema;
}

const schemas = new Map((["catalog", "city", "orders"] as const).map((name) => [`/${name}`, schemaOf(name)]));

/**
 * The answers by request, whatever the operation's name. Making 13 MB takes seconds, and the services are not
 * what is tested.
 */
const known = new Map<string, string>();
const KNOWN_MAX = 10;
const GREAT_CHARACTERS = 1_000_000;

async function answer(request: IncomingMessage): Promise<string> {
  const { query, variables, operationName } = JSON.parse(await text(request));
  const key = `${request.url}${query.replace(operationName, "")}${JSON.stringify(variables)}`;
  const made = known.get(key) ?? (await make(request.url!, { query, variables, operationName }));
  if (made.length > GREAT_CHARACTERS && known.size < KNOWN_MAX) known.set(key, made);
  return made;
}

interface Asked {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | undefined;
}

async function make(path: string, { query, variables, operationName }: Asked): Promise<string> {
  const schema = schemas.get(path)!;
  return JSON.stringify(
    await graphql({ schema, source: query, variableValues: variables, operationName, rootValue: {} }),
  );
}

const server = createServer((request, response) => {
  void answer(request).then((body) => {
    response.setHeader("content-type", "application/json").end(body);
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
process.once("disconnect", () => process.exit());
