/** Nothing has happened that no client was told of, and nothing is left that a client does not know. */
import type { CityFacts } from "../history/city-facts.ts";
import { commitsOf } from "../history/commits.ts";
import type { Operation } from "../history/operations.ts";

/**
 * To be asked when every client has asked again for whatever it did not know. Restocks have no key to ask with.
 * @param before the commits that were there before the clients came
 */
export function unacknowledged(
  operations: readonly Operation[],
  cities: readonly CityFacts[],
  before: ReadonlySet<string>,
): string[] {
  const unknown = operations.filter(({ request, answer }) => "key" in request && answer.kind === "unknown");
  const told = new Set(
    operations.flatMap(({ answer }) => (answer.kind === "happened" && answer.id !== null ? [answer.id] : [])),
  );
  const toldTopUps = new Set(
    operations.flatMap(({ request, answer }) => {
      return request.kind === "topUp" && answer.kind === "happened" ? [request.key] : [];
    }),
  );
  const untold = [...commitsOf(cities).values()].filter((commit) => {
    if (commit.kind === "RESTOCK" || before.has(commit.id)) return false;
    return commit.kind === "TOP_UP" ? !toldTopUps.has(commit.key) : !told.has(commit.id);
  });
  return [
    ...unknown.map(({ request, answer }) => `nobody can say: ${JSON.stringify({ request, answer })}`),
    ...untold.map((commit) => `happened, and nobody was told: ${JSON.stringify(commit)}`),
  ];
}
