/** The parts of URLs, parsed once. */

/** URLs whose parts are remembered. There are as many URLs as instances of services. */
const TARGETS_MAX = 10_000;

interface Target {
  origin: string;
  path: string;
}

/** Parsing a URL costs 2 µs, and there are few of them. */
export function rememberTargets(): (url: string) => Target {
  const targets = new Map<string, Target>();
  return (url) => {
    const known = targets.get(url);
    if (known) return known;
    const { origin, pathname, search } = new URL(url);
    const target = { origin, path: pathname + search };
    if (targets.size >= TARGETS_MAX) targets.clear();
    targets.set(url, target);
    return target;
  };
}
