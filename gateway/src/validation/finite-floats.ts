/**
 * Refuses numbers for a Float that no double holds: graphql-js makes them infinite, and nobody can tell them
 * on.
 */
import {
  type ASTVisitor,
  type FloatValueNode,
  GraphQLError,
  GraphQLFloat,
  getNamedType,
  type IntValueNode,
  type ValidationContext,
} from "graphql";

export function finiteFloatsRule(context: ValidationContext): ASTVisitor {
  const look = (node: IntValueNode | FloatValueNode) => {
    if (getNamedType(context.getInputType())?.name !== GraphQLFloat.name) return;
    if (Number.isFinite(Number(node.value))) return;
    context.reportError(
      new GraphQLError(`Float cannot represent the number: ${node.value}`, { nodes: node }),
    );
  };
  return { IntValue: look, FloatValue: look };
}
