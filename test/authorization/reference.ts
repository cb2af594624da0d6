/**
 * Who may have what, as a person would write it down: one schema that holds everything, and refuses each
 * field by the definition, where it stands in the document.
 */
import type { Identity } from "@teranga/kit/identity/identity.ts";
import {
  type DocumentNode,
  execute,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import type { Placement } from "./placements.ts";
import { REQUIRED } from "./world.ts";

const SCOPES: Record<Identity["role"], readonly string[]> = {
  visitor: [],
  client: ["client"],
  "city-operator": ["city:operate"],
  "company-operator": ["company:operate"],
  service: ["service"],
};
const POLICIES: Record<string, readonly Identity["role"][]> = {
  "own client": ["client"],
  "own city": ["city-operator", "company-operator"],
};

export class Reference {
  readonly #schema: GraphQLSchema;
  readonly #placements: readonly Placement[];

  constructor(schema: GraphQLSchema, placements: readonly Placement[]) {
    this.#schema = schema;
    this.#placements = placements;
  }

  /** Whether an identity may have a field, as it is asked for on this type. */
  may(identity: Identity, type: GraphQLNamedType, field: string): boolean {
    if (isUnionType(type) || field.startsWith("__")) {
      return field !== "__typename" || !isObjectType(type) || this.#isMet(identity, type.name);
    }
    const definition = "getFields" in type ? type.getFields()[field] : undefined;
    if (!definition) return true;
    const value = getNamedType(definition.type);
    const own = [type.name, `${type.name}.${field}`, ...(isUnionType(value) ? [] : [value.name])];
    if (own.some((where) => !this.#isMet(identity, where))) return false;
    if (isInterfaceType(type))
      return this.#schema.getPossibleTypes(type).every((object) => this.may(identity, object, field));
    return (REQUIRED[`${type.name}.${field}`] ?? []).every((each) => {
      const [required, name] = each.split(".") as [string, string];
      return this.may(identity, this.#schema.getType(required)!, name);
    });
  }

  /** The right answer's data. */
  async answer(
    document: DocumentNode,
    { identity, variables }: { identity: Identity; variables: Record<string, unknown> },
  ): Promise<unknown> {
    const refused = this.#refusedIn(document, identity);
    const { data } = await execute({
      schema: this.#schema,
      document,
      variableValues: variables,
      contextValue: refused,
      typeResolver: (row) => (row as { __typename: string }).__typename,
    });
    return JSON.parse(JSON.stringify(data ?? null));
  }

  #isMet({ role }: Identity, where: string): boolean {
    return this.#placements
      .filter((placement) => placement.where === where)
      .every(({ directive, anyOf }) => {
        switch (directive) {
          case "authenticated":
            return role !== "visitor";
          case "requiresScopes":
            return anyOf.some((all) => all.every((scope) => SCOPES[role].includes(scope)));
          case "policy":
            return anyOf.some((all) => all.every((policy) => POLICIES[policy]?.includes(role)));
          default:
            return directive satisfies never;
        }
      });
  }

  /** The fields of a document that are refused, wherever their fragments are spread. */
  #refusedIn(document: DocumentNode, identity: Identity): Set<FieldNode> {
    const refused = new Set<FieldNode>();
    const types = new TypeInfo(this.#schema);
    const onField = (field: FieldNode) => {
      const parent = types.getParentType();
      if (parent && !this.may(identity, parent, field.name.value)) refused.add(field);
    };
    visit(document, visitWithTypeInfo(types, { Field: onField }));
    return refused;
  }
}
