/** Planted bugs: mistakes that a merge can have. Each is an edit of the catalog's SQL functions. */
import type { PlantedBug } from "../harness/planted-bug.ts";

const bug = (name: string, file: string, find: string, replace: string): PlantedBug => ({
  name,
  edits: [{ file: `services/catalog/functions/${file}.sql`, find, replace }],
});

export const PLANTED_BUGS: readonly PlantedBug[] = [
  // The last by the clock overwrites what its writer did not know, and nobody hears of it.
  bug("nothing-is-concurrent", "2-2-rounds", "known >= coalesce(written, 0)", "true"),
  bug(
    "in-the-order-of-arrival",
    "2-2-rounds",
    "over (order by clock, node, sequence) as",
    "over (order by operation.ctid) as",
  ),
  // A clock that is behind writes operations that come before those that their writer has seen.
  bug("clock-of-the-wall", "2-8-capture", "greatest(excluded.clock, state.clock + 1)", "excluded.clock"),
  bug("writer-saw-nothing", "2-8-capture", "coalesce(old.seen, '{}') as seen", "'{}'::jsonb as seen"),
  bug("every-operation-is-next", "3-arrivals", "if has_all(first.seen, noted.known) and", "if true and"),
  bug("every-edit-is-next", "3-arrivals", "and has_all(ops[1].seen, state.seen)", "and true"),
  bug("every-edit-is-plain", "3-arrivals", "and not patch ? 'name'", "or not patch ? 'name'"),
  bug(
    "a-round-takes-what-begins-the-next",
    "2-7-fold",
    "or not exists (select from unnest(heads) as head where",
    "or false and exists (select from unnest(heads) as head where",
  ),
  bug(
    "a-round-forgets-what-followed",
    "2-7-fold",
    "heads := heads(heads || later);",
    "heads := heads(heads || op);",
  ),
  bug("a-batch-forgets-earlier-edits", "3-arrivals", "is_own or coalesce(follows, 0) <= known", "true"),
  bug(
    "half-of-a-row-comes-back",
    "2-7-fold",
    "(before is null or exists (select from unnest(ops) as op where op.strategies ? unit))",
    "exists (select from unnest(ops) as op where op.strategies ? unit)",
  ),
  bug("any-deletion-deletes", "2-7-fold", "and has_all(operation.seen, edits)", "and true"),
  bug("deletion-knows-all", "3-arrivals", "edits = state.edits || excluded.edits", "edits = state.edits"),
  bug(
    "time-of-the-last-arrival",
    "3-arrivals",
    "greatest(state.updated_at, excluded.updated_at)",
    "excluded.updated_at",
  ),
  // A counter is set to what the writer saw, and what others have added is gone.
  bug("counter-is-set", "2-1-operations", "to_jsonb(after::bigint - before::bigint)", "after"),
  bug("removal-wins", "2-3-values", "bool_or(adds)", "bool_and(adds)"),
  bug("losers-are-not-told", "2-4-merge", "and own is distinct from value", "and false"),
  bug("lost-deletion-is-not-told", "2-5-conflicts", "and deletion.kind = 'DELETE'", "and false"),
  // The short way does not do what the long one does.
  bug(
    "open-for-ever",
    "3-arrivals",
    "perform follow_conflicts(first, array(select jsonb_object_keys(first.patch)));",
    "null;",
  ),
  bug(
    "followed-by-another-field",
    "2-5-conflicts",
    "and op.patch ? field and field = any (fields)",
    "and op.patch ? field",
  ),
  // A log that is compacted too early, and one whose past is forgotten.
  bug("others-need-not-have-it", "5-compaction", "least(value::bigint, (", "greatest(value::bigint, ("),
  bug("what-is-on-its-way-is-not-waited-for", "5-compaction", "where not has_all(own, other)", "where false"),
  bug("bases-stay", "5-compaction", "state.bases := bases_after(state.bases, last);", "null;"),
  bug("naming-is-forgotten", "5-compaction", "and patch ? 'name'", "and false"),
  bug("shared-name-is-not-told", "2-6-unique", "where holder.id <> first_id", "where false"),
];
