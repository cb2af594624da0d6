/**
 * Literals that the planner would change. It keeps values as JavaScript does: a number is a double
 * (9007199254740993 would be sent as 9007199254740992, 1.50 as 1.5, and 1e400 cannot be sent at all), and an
 * enum value inside a custom scalar is a string. So an argument with such a literal is planned as a variable,
 * and a variable with such a default, or with directives, which the planner drops, is planned without them.
 * The plan's fetches get the client's literals and definitions back.
 */
import type { FetchNode, QueryPlan } from "@apollo/query-planner";
import {
  type ArgumentNode,
  BREAK,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isEnumType,
  isInputObjectType,
  Kind,
  parse,
  parseType,
  print,
  TypeInfo,
  typeFromAST,
  type ValueNode,
  type VariableDefinitionNode,
  type VariableNode,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { isKept, printCompact } from "../ground/documents.ts";
import { withFetches } from "./plan-fetches.ts";

export class LiteralsApart {
  /** The document to plan. */
  readonly document: DocumentNode;
  readonly #schema: GraphQLSchema;
  /** The client's variables, by name. */
  readonly #definitions: ReadonlyMap<string, VariableDefinitionNode>;
  /** The literals that our own variables stand for, by name. */
  readonly #values = new Map<string, ValueNode>();
  /** The definitions of our own variables, by type and value. */
  readonly #standing = new Map<string, VariableDefinitionNode>();
  readonly #isApart: boolean;
  #lastNumber = 0;

  /** @param document one operation, validated. @param schema the schema that clients see */
  constructor(document: DocumentNode, schema: GraphQLSchema) {
    this.#schema = schema;
    const { variableDefinitions = [] } = getOperationAST(document)!;
    this.#definitions = new Map(variableDefinitions.map((each) => [nameOf(each), each]));
    const planned = mayChange(document) ? this.#withVariables(document) : document;
    const plain = variableDefinitions.map((each) => (changesIn(each, schema) ? withoutDefault(each) : each));
    this.#isApart = planned !== document || plain.some((each) => !variableDefinitions.includes(each));
    const definitions = [...plain, ...this.#standing.values()];
    this.document = this.#isApart ? withDefinitions(planned, definitions) : document;
  }

  /** The plan of `document`, with the client's literals put back. */
  putBack(plan: QueryPlan): QueryPlan {
    return this.#isApart ? withFetches(plan, (fetch) => this.#inFetch(fetch)) : plan;
  }

  #withVariables(document: DocumentNode): DocumentNode {
    const types = new TypeInfo(this.#schema);
    const visitor = {
      // The only arguments there are those of directives. They must be constant, so no variable can replace
      // them.
      VariableDefinition: () => false,
      Argument: (argument: ArgumentNode): ArgumentNode | undefined => {
        const type = types.getArgument()?.type;
        if (!type || !changes(argument.value, type)) return undefined;
        return { ...argument, value: this.#variableFor(argument.value, type) };
      },
    };
    return visit(document, visitWithTypeInfo(types, visitor));
  }

  /** Equal values get the same variable: selections with equal arguments may be one field. */
  #variableFor(value: ValueNode, type: GraphQLInputType): VariableNode {
    const key = `${type} ${print(inOneOrder(value))}`;
    let definition = this.#standing.get(key);
    if (!definition) {
      const name = this.#newName();
      const variable = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } as const;
      definition = { kind: Kind.VARIABLE_DEFINITION, variable, type: parseType(String(type)) };
      this.#standing.set(key, definition);
      this.#values.set(name, value);
    }
    return definition.variable;
  }

  /** A name that the client does not use. */
  #newName(): string {
    let name: string;
    do name = `literal_${++this.#lastNumber}`;
    while (this.#definitions.has(name));
    return name;
  }

  #inFetch({ operationDocumentNode: _, ...fetch }: FetchNode): FetchNode {
    const used = new Set<string>();
    const document: DocumentNode = visit(parse(fetch.operation, { noLocation: true }), {
      VariableDefinition: () => false,
      // `visit` goes on into the literal, so it also sees the client's variables in it.
      Variable: ({ name: { value: name } }) => {
        const literal = this.#values.get(name);
        if (!literal) used.add(name);
        return literal;
      },
    });
    const definitions = new Map(
      getOperationAST(document)!.variableDefinitions?.map((each) => [nameOf(each), each]),
    );
    const names = [...used];
    // A variable that the client has not defined is the planner's own: `representations`.
    const defined = names.map((name) => this.#definitions.get(name) ?? definitions.get(name)!);
    return {
      ...fetch,
      operation: printCompact(withDefinitions(document, defined)),
      variableUsages: names.filter((name) => this.#definitions.has(name)),
    };
  }
}

/** Most documents have no such literal, and tracking types makes a visit take five times as long. */
function mayChange(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    VariableDefinition: () => false,
    Argument: ({ value }) => {
      found = changes(value);
      return found ? BREAK : false;
    },
  });
  return found;
}

/**
 * Whether the planner would change a literal of this type, or a literal inside it.
 * @param type undefined inside a custom scalar
 */
function changes(value: ValueNode, type?: GraphQLInputType): boolean {
  const named = type && getNamedType(type);
  switch (value.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return !isKept(value.value);
    case Kind.ENUM:
      return !isEnumType(named);
    case Kind.LIST:
      return value.values.some((each) => changes(each, named));
    case Kind.OBJECT: {
      const fields = isInputObjectType(named) ? named.getFields() : undefined;
      return value.fields.some((each) => changes(each.value, fields?.[each.name.value]?.type));
    }
    default:
      return false;
  }
}

/** Whether the planner would change a definition: its default, or its directives, which the planner drops. */
function changesIn(
  { type, defaultValue, directives = [] }: VariableDefinitionNode,
  schema: GraphQLSchema,
): boolean {
  if (directives.length > 0) return true;
  return defaultValue !== undefined && changes(defaultValue, typeFromAST(schema, type) as GraphQLInputType);
}

const nameOf = ({ variable }: VariableDefinitionNode): string => variable.name.value;

/** To the planner the variable is always given, so it fits wherever a variable with a default fits. */
function withoutDefault({ variable, type }: VariableDefinitionNode): VariableDefinitionNode {
  const given = type.kind === Kind.NON_NULL_TYPE ? type : ({ kind: Kind.NON_NULL_TYPE, type } as const);
  return { kind: Kind.VARIABLE_DEFINITION, variable, type: given };
}

function withDefinitions(
  document: DocumentNode,
  variableDefinitions: readonly VariableDefinitionNode[],
): DocumentNode {
  const operation = getOperationAST(document)!;
  const definitions = document.definitions.map((each) =>
    each === operation ? { ...operation, variableDefinitions } : each,
  );
  return { ...document, definitions };
}

/** Sorts the fields of objects: objects are equal whatever the order of their fields. */
function inOneOrder(value: ValueNode): ValueNode {
  return visit(value, {
    ObjectValue: {
      leave: (node) => ({
        ...node,
        fields: node.fields.toSorted((a, b) => (a.name.value < b.name.value ? -1 : 1)),
      }),
    },
  });
}
