/** The policy "own client": a client, for what is its own. */
import type { Policy } from "./policy.ts";

export const ownClient: Policy = {
  name: "own client",
  about: "the client whose row it is",
  mayHold: ({ role }) => role === "client",
  owns: (identity, { clientId }) => identity.role === "client" && identity.clientId === clientId,
};
