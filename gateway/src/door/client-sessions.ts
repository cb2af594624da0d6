/**
 * Takes clients' session tokens in and hands new ones out (docs/reads.md): by header, or by cookies if the
 * client asks for them with the value `cookie`.
 *
 * Answers to requests that run side by side end with a token each, and none of them covers another. So a
 * client sends all that it has, with commas between, and the next answer's token covers those. Cookies do the
 * same by themselves: each answer sets one of a name of its own, and removes those that came with its
 * request.
 */
import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SESSION_HEADER, Session, type SessionMeans } from "../session/session.ts";

/** The value of the header that asks for cookies. */
const IN_COOKIES = "cookie";
const COOKIE = new RegExp(`(?:^|;) *(${SESSION_HEADER}-[\\w-]{8})=([^;\\s]*)`, "g");
/** Many cookies go with each request, whose headers may have 16 kB. */
const COOKIE_LENGTH_MAX = 700;
/** The bound on a replica's age is far below. */
const COOKIE_AGE_S = 300;

export interface ClientSessionMeans extends SessionMeans {
  /** Whether clients reach the gateway by https only. */
  isSecure: boolean;
}

interface ClientSession {
  session: Session;
  /** The cookies that came, if the client keeps its tokens in them. */
  cookies: readonly string[] | undefined;
}

/** Must be called before the GraphQL route. @returns the session of a request */
export function keepClientSessions(
  app: FastifyInstance,
  means: ClientSessionMeans,
): (request: FastifyRequest) => Session {
  const sessions = new WeakMap<FastifyRequest, ClientSession>();
  app.addHook("onSend", async (request, reply) => {
    const client = sessions.get(request);
    if (client) tell(client, reply, means);
  });
  return (request) => {
    const client = begin(request, means);
    sessions.set(request, client);
    return client.session;
  };
}

function begin({ headers }: FastifyRequest, means: ClientSessionMeans): ClientSession {
  const said = headers[SESSION_HEADER]?.toString();
  const cookies = [...(headers.cookie?.matchAll(COOKIE) ?? [])];
  const isInCookies = said === IN_COOKIES || (said === undefined && cookies.length > 0);
  const tokens = cookies.map(([, , token]) => token!);
  if (said !== undefined && said !== IN_COOKIES) tokens.push(...(said.match(/[^\s,]+/g) ?? []));
  return {
    session: new Session(tokens, means, isInCookies ? COOKIE_LENGTH_MAX : undefined),
    cookies: isInCookies ? cookies.map(([, name]) => name!) : undefined,
  };
}

function tell(
  { session, cookies }: ClientSession,
  reply: FastifyReply,
  { isSecure }: ClientSessionMeans,
): void {
  const token = session.token();
  if (token === undefined) return;
  if (!cookies) {
    reply.header(SESSION_HEADER, token);
    return;
  }
  const terms = `; Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  const name = `${SESSION_HEADER}-${randomBytes(6).toString("base64url")}`;
  const removed = cookies.map((old) => `${old}=; Max-Age=0${terms}`);
  reply.header("set-cookie", [...removed, `${name}=${token}; Max-Age=${COOKIE_AGE_S}${terms}`]);
}
