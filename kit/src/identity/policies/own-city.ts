/** The policy "own city": an operator, for what belongs to a city that the operator works for. */
import type { Policy } from "./policy.ts";

export const ownCity: Policy = {
  name: "own city",
  about: "operators of its city, and of the company",
  mayHold: ({ role }) => role === "city-operator" || role === "company-operator",
  owns: (identity, { cityIds = [] }) =>
    identity.role === "company-operator" ||
    (identity.role === "city-operator" && cityIds.includes(identity.cityId)),
};
