/** Names in a client's operation that would get in the way of what the gateway makes of it. */
import { type ASTVisitor, GraphQLError, type ValidationContext } from "graphql";

/** Entities are fetched by a variable of this name, which federation prescribes. */
const RESERVED_VARIABLE = "representations";

/** Refuses variables of the reserved name. */
export function reservedNamesRule(context: ValidationContext): ASTVisitor {
  return {
    VariableDefinition(definition) {
      if (definition.variable.name.value !== RESERVED_VARIABLE) return;
      const message = `The variable $${RESERVED_VARIABLE} needs another name; the gateway uses this one itself.`;
      context.reportError(new GraphQLError(message, { nodes: definition }));
    },
  };
}
