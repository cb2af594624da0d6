/** Rewrites the supergraph for the query planner, so that it makes no wrong plans. */
import { Supergraph as PlannerSupergraph, type Schema } from "@apollo/federation-internals";
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
} from "graphql";
import { withoutSecurity } from "../authorization/requirement-names.ts";
import { readStandIns, requiredOn, type StandIns } from "../ground/stand-ins.ts";
import { argumentsOf, type Supergraph } from "../ground/supergraph.ts";

export interface PlannerGraph {
  /** The supergraph to plan on. */
  supergraph: PlannerSupergraph;
  /** The schema that clients see. */
  apiSchema: Schema;
  standIns: StandIns | undefined;
}

type FieldsNode = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** @throws Error if the text is not a supergraph */
export function plannerGraph(supergraph: Supergraph): PlannerGraph {
  const standIns = readStandIns(supergraph);
  const document = withoutSecurity(supergraph.document);
  const definitions = document.definitions.map((node) => inOtherWords(node, standIns));
  const planned: DocumentNode = { ...document, definitions };
  if (!standIns) {
    const built = PlannerSupergraph.build(planned);
    return { supergraph: built, apiSchema: built.apiSchema(), standIns };
  }
  // Clients must not see the stand-ins, and the original supergraph is the one that must be valid. In the
  // planner's supergraph the replaced fields are external without a use, which validation would refuse.
  const whole = PlannerSupergraph.build(document);
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
 * Puts resolvable keys first. To return to a subgraph with what one of its fields requires, the planner takes
 * the type's first key there without checking whether it can be resolved.
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

/** A directive whose `requires` names the stand-ins. */
function requiring(directive: ConstDirectiveNode, type: string, { requires }: StandIns): ConstDirectiveNode {
  if (directive.name.value !== "join__field") return directive;
  const changed = directive.arguments?.map((argument) => {
    if (argument.name.value !== "requires" || argument.value.kind !== Kind.STRING) return argument;
    const value = requires.get(requiredOn(type, argument.value.value)) ?? argument.value.value;
    return { ...argument, value: { kind: Kind.STRING, value } as const };
  });
  return { ...directive, ...(changed && { arguments: changed }) };
}
