/**
 * Refuses labels of @defer that are variables, and equal labels of two fragments. A label tells a client
 * which fragment it got. graphql-js has this rule from version 17 on.
 */
import { type ASTNode, GraphQLError, Kind, type ValidationRule } from "graphql";

export const deferLabelsRule: ValidationRule = (context) => {
  const known = new Map<string, ASTNode>();
  return {
    Directive(node) {
      const label = node.arguments?.find(({ name }) => name.value === "label")?.value;
      if (node.name.value !== "defer" || !label || label.kind === Kind.NULL) return;
      if (label.kind !== Kind.STRING) {
        context.reportError(new GraphQLError("The label of @defer must be a text.", { nodes: node }));
        return;
      }
      const other = known.get(label.value);
      known.set(label.value, node);
      if (!other) return;
      context.reportError(
        new GraphQLError("Two @defer must not have the same label.", { nodes: [other, node] }),
      );
    },
  };
};
