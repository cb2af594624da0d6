/** The names of the commit protocol's own attributes of spans; docs/observability.md says what they hold. */
export const TRANSACTION_ATTRIBUTE = {
  id: "teranga.transaction.id",
  ids: "teranga.transaction.ids",
  kind: "teranga.transaction.kind",
  city: "teranga.city",
} as const;
