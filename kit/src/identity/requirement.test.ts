/**
 * Goal: who meets which requirement, in general and at a row. Method: the directives as a schema writes them.
 */
import { type ObjectTypeDefinitionNode, parse } from "graphql";
import { expect, test } from "vitest";
import { type Identity, VISITOR } from "./identity.ts";
import type { Owned } from "./policies/policy.ts";
import { isMet, requirementsOf } from "./requirement.ts";

const client: Identity = { role: "client", clientId: "thies:2" };
const operator: Identity = { role: "city-operator", subject: "fatou", cityId: "thies" };
const company: Identity = { role: "company-operator", subject: "awa" };
const service: Identity = { role: "service" };

function requirements(directives: string) {
  const [definition] = parse(`type T ${directives} { a: Int }`).definitions;
  return requirementsOf((definition as ObjectTypeDefinitionNode).directives);
}

function whoMay(directives: string, row?: Owned): string[] {
  const all = [VISITOR, client, operator, company, service];
  const asked = requirements(directives);
  return all.filter((identity) => asked.every((each) => isMet(each, identity, row))).map(({ role }) => role);
}

test.each([
  ["", ["visitor", "client", "city-operator", "company-operator", "service"]],
  ["@authenticated", ["client", "city-operator", "company-operator", "service"]],
  ['@requiresScopes(scopes: [["client"], ["company:operate"]])', ["client", "company-operator"]],
  ['@requiresScopes(scopes: [["client", "company:operate"]])', []],
  ["@requiresScopes(scopes: [])", []],
  ['@requiresScopes(scopes: "service")', ["service"]],
  ['@policy(policies: [["own client"], ["own city"]])', ["client", "city-operator", "company-operator"]],
  ['@policy(policies: [["own client", "own city"]])', []],
  ['@policy(policies: [["a policy that we do not have"]])', []],
  ['@authenticated @requiresScopes(scopes: [["city:operate"]])', ["city-operator"]],
])("%s is met by %j", (directives, roles) => {
  expect(whoMay(directives)).toEqual(roles);
});

const OWN = '@policy(policies: [["own client"], ["own city"]])';
test.each([
  [{ clientId: "thies:2", cityIds: ["thies"] }, ["client", "city-operator", "company-operator"]],
  [{ clientId: "thies:3", cityIds: ["dakar", "thies"] }, ["city-operator", "company-operator"]],
  [{ clientId: "thies:3", cityIds: ["dakar"] }, ["company-operator"]],
  [{}, ["company-operator"]],
])("the row %j belongs to %j", (row, roles) => {
  expect(whoMay(OWN, row)).toEqual(roles);
});

test("only our own directives are read, under the names of the schema", () => {
  const names = { authenticated: "signedIn", requiresScopes: "scoped", policy: "ruled" };
  const [definition] = parse("type T @signedIn @authenticated { a: Int }").definitions;
  const { directives } = definition as ObjectTypeDefinitionNode;
  expect(requirementsOf(directives, names)).toEqual([{ directive: "authenticated" }]);
});
