/** Nothing has happened that no client was told of, and nothing is left that a client does not know. */
import type { CityFacts } from "../history/city-facts.ts";
import { commitsOf, createCommitFinder } from "../history/commits.ts";
import type { Operation } from "../history/operations.ts";

/**
 * To be asked when every client has asked again for whatever it did not know.
 * @param before the commits that were there before the clients came
 */
export function unacknowledged(
  operations: readonly Operation[],
  cities: readonly CityFacts[],
  before: ReadonlySet<string>,
): string[] {
  const unknown = operations.filter(({ request, answer }) => "key" in request && answer.kind === "unknown");
  const commits = commitsOf(cities);
  const commitOf = createCommitFinder(cities, commits);
  const told = new Set(operations.map(commitOf));
  const untold = [...commits.values()].filter(({ id }) => !before.has(id) && !told.has(id));
  return [
    ...unknown.map(({ request, answer }) => `nobody can say: ${JSON.stringify({ request, answer })}`),
    ...untold.map((commit) => `happened, and nobody was told: ${JSON.stringify(commit)}`),
  ];
}
