/** Checks that every commit was told to a client, and that no operation is left with an unknown outcome. */
import type { CityFacts } from "../history/city-facts.ts";
import { commitsOf, createCommitFinder } from "../history/commits.ts";
import type { Operation } from "../history/operations.ts";

/**
 * Call it after every client has repeated its requests of unknown outcome.
 * @param before the commits from before the clients began
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
