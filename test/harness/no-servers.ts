/**
 * A quick test starts no process and connects to none: such a run fails, with the name of the test (vitest's
 * set-up of the quick group). The group of a file follows from its imports (test-groups.ts); this finds what
 * its imports do not show.
 */
import { expect } from "vitest";
import { watchServers } from "./watch-servers.ts";

const WATCHED = Symbol.for("teranga.quick-tests.watched");

// Vitest runs this anew for each file of a process; the watch is of the process.
if (!(WATCHED in globalThis)) {
  Object.assign(globalThis, { [WATCHED]: true });
  watchServers((what) => {
    const { testPath, currentTestName } = expect.getState();
    throw new Error(
      `A quick test ${what}: ${testPath} > ${currentTestName ?? "outside of its tests"}. It may use only its ` +
        "own process. Import in the test file what starts it (test/harness/test-groups.ts).",
    );
  });
}
