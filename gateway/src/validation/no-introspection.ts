/** Refuses introspection where clients may not see the schema. */
import { type ASTVisitor, BREAK, GraphQLError, type ValidationContext } from "graphql";

const MESSAGE =
  "Clients may not ask for the schema here. Whoever runs the gateway can allow it: INTROSPECTION=true.";

export function noIntrospectionRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const name = node.name.value;
      if (name !== "__schema" && name !== "__type") return undefined;
      context.reportError(new GraphQLError(MESSAGE, { nodes: node }));
      // One error is enough.
      return BREAK;
    },
  };
}
