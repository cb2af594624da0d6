/**
 * Refuses a Float literal that no double holds: graphql-js makes it infinite, and JSON cannot send it to a
 * service.
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
