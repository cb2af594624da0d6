/** The text that `npm start` prints when all is ready: the processes, their URLs, and what to try. */
import type { ProcessRecord } from "./state.ts";
import { textTable } from "./text-table.ts";

const CITIES_QUERY = "{ cities { id name clients(first: 2) { edges { node { id name town } } } } }";
const PRODUCT_QUERY =
  '{ product(id: "101") { name stock { city { name } available } availability { total complete } } }';

/** The text; `note` is its last line. */
export function welcome(processes: readonly ProcessRecord[], gatewayUrl: string, note: string): string {
  const rows = processes.map(({ name, pid, url }) => [name, String(pid ?? "-"), url]);
  return `
${textTable([["WHAT", "PID", "WHERE"], ...rows])}

Try it: open ${gatewayUrl} in a browser (Apollo Sandbox), or paste one of these:

${tryIt(gatewayUrl, CITIES_QUERY)}

${tryIt(gatewayUrl, PRODUCT_QUERY)}

${note}
`;
}

function tryIt(url: string, query: string): string {
  return `  curl -s ${url} -H 'content-type: application/json' \\\n    -d '${JSON.stringify({ query })}'`;
}
