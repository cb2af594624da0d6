/** Refuses names in a client's operation that the gateway needs itself. */
import { type ASTVisitor, GraphQLError, type ValidationContext } from "graphql";

/** Federation prescribes this variable for fetching entities. */
const RESERVED_VARIABLE = "representations";

/** Refuses variables with the reserved name. */
export function reservedNamesRule(context: ValidationContext): ASTVisitor {
  return {
    VariableDefinition(definition) {
      if (definition.variable.name.value !== RESERVED_VARIABLE) return;
      const message = `The variable $${RESERVED_VARIABLE} needs another name; the gateway uses this one itself.`;
      context.reportError(new GraphQLError(message, { nodes: definition }));
    },
  };
}
