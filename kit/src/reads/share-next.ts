/**
 * Lets callers share an answer that is begun after each of them has asked, as a group commit does: those that
 * come while one is under way share the next.
 */
export function shareNext<Value>(take: () => Promise<Value>): () => Promise<Value> {
  let underWay: Promise<unknown> | undefined;
  let next: Promise<Value> | undefined;

  const begin = (): Promise<Value> => {
    next = undefined;
    const taken = take();
    const ended = taken.then(ignore, ignore).then(() => {
      if (underWay === ended) underWay = undefined;
    });
    underWay = ended;
    return taken;
  };
  return () => {
    if (!underWay) return begin();
    next ??= underWay.then(begin);
    return next;
  };
}

const ignore = () => {};
