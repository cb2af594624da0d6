/** The supergraph as the query planner is given it: what it would plan wrongly is put in other words. */
import { Supergraph as PlannerSupergraph, type Schema } from "@apollo/federation-internals";
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
} from "graphql";
import { readStandIns, requiredOn, type StandIns } from "../ground/stand-ins.ts";
import { argumentsOf, type Supergraph } from "../ground/supergraph.ts";

export interface PlannerGraph {
  /** What is planned on. */
  supergraph: PlannerSupergraph;
  /** What clients see. */
  apiSchema: Schema;
  standIns: StandIns | undefined;
}

type FieldsNode = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** @throws Error if the text is not a supergraph */
export function plannerGraph(supergraph: Supergraph): PlannerGraph {
  const standIns = readStandIns(supergraph);
  const document = parse(supergraph.sdl, { noLocation: true });
  const definitions = document.definitions.map((node) => inOtherWords(node, standIns));
  const planned: DocumentNode = { ...document, definitions };
  if (!standIns) {
    const built = PlannerSupergraph.build(planned);
    return { supergraph: built, apiSchema: built.apiSchema(), standIns };
  }
  // Clients do not see the stand-ins; and it is the supergraph as it is that has to be valid. In the planner's one, the fields that others
  // stand in for are external for no reason.
  const whole = PlannerSupergraph.build(supergraph.sdl);
  whole.subgraphs();
  const built = PlannerSupergraph.build(planned, { validateSupergraph: false });
  return { supergraph: built, apiSchema: whole.apiSchema(), standIns };
}

function inOtherWords(node: DefinitionNode, standIns: StandIns | undefined): DefinitionNode {
  if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) return node;
  const ordered = { ...node, directives: resolvableFirst(node.directives ?? []) };
  return standIns ? { ...ordered, fields: withStandIns(ordered, standIns) } : ordered;
}

/**
 * To go back into a subgraph with what a field of it requires, the planner takes the type's first key there, and does not look whether it
 * can be resolved. So those that can come first.
 */
function resolvableFirst(directives: readonly ConstDirectiveNode[]): ConstDirectiveNode[] {
  const isResolvable = (node: ConstDirectiveNode) =>
    node.name.value !== "join__type" || argumentsOf(node).resolvable !== false;
  return [...directives.filter(isResolvable), ...directives.filter((node) => !isResolvable(node))];
}

function withStandIns({ name: { value: type }, fields = [] }: FieldsNode, standIns: StandIns) {
  const own = [...(standIns.ofTypes.get(type) ?? [])].map((name): FieldDefinitionNode => {
    const real = standIns.fields.get(name)!.name.value;
    const {
      arguments: _,
      description: __,
      directives = [],
      ...field
    } = fields.find((each) => each.name.value === real)!;
    const joins = directives.filter((directive) => directive.name.value === "join__field");
    return { ...field, name: { kind: Kind.NAME, value: name }, directives: joins };
  });
  return [...fields, ...own].map((field): FieldDefinitionNode => {
    const directives = field.directives?.map((directive) => requiring(directive, type, standIns));
    return { ...field, ...(directives && { directives }) };
  });
}

/** A directive with the stand-ins in what it requires. */
function requiring(directive: ConstDirectiveNode, type: string, { requires }: StandIns): ConstDirectiveNode {
  if (directive.name.value !== "join__field") return directive;
  const changed = directive.arguments?.map((argument) => {
    if (argument.name.value !== "requires" || argument.value.kind !== Kind.STRING) return argument;
    const value = requires.get(requiredOn(type, argument.value.value)) ?? argument.value.value;
    return { ...argument, value: { kind: Kind.STRING, value } as const };
  });
  return { ...directive, ...(changed && { arguments: changed }) };
}
