/**
 * Carries a client's session, so that it reads what it has written and seen, through any gateway
 * (docs/reads.md).
 */
const HEADER = "teranga-session";
/**
 * The headers of a request may have 16 kB. A client that holds more is answered from primaries for a while.
 */
const LENGTH_MAX = 8_000;
const TOO_MUCH = "unknown";

/**
 * The same `fetch`, with a session of its own. Answers to requests that run side by side bring a token each;
 * the next request sends all of them, and its answer's token stands for all that it sent.
 */
export function withSession(send: typeof fetch): typeof fetch {
  const tokens = new Set<string>();
  return async (url, init) => {
    const sent = [...tokens];
    const said = sent.join(",");
    const headers = new Headers(init?.headers);
    if (said !== "") headers.set(HEADER, said.length > LENGTH_MAX ? TOO_MUCH : said);
    const response = await send(url, { ...init, headers });
    const token = response.headers.get(HEADER);
    if (token === null) return response;
    for (const each of sent) tokens.delete(each);
    tokens.add(token);
    return response;
  };
}
