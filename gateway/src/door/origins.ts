/**
 * The pages from which browsers may ask the gateway, and the host names under which it answers
 * (docs/decisions/019-who-may-ask.md).
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import type { FastifyInstance } from "fastify";
import type { Surface } from "./surface.ts";

/** The gateway's Sandbox page runs in a frame of Apollo's. */
const SANDBOX_ORIGIN = "https://sandbox.embed.apollographql.com";
/** Apollo Studio, and pages on a developer's own machine. */
const DEVELOPMENT_ORIGINS = [
  "https://studio.apollographql.com",
  /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/,
];
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** @param asked the origins that the operator configured; they replace those of the mode */
export function corsOriginsOf(
  { mode, sandbox }: Surface,
  asked: readonly string[] | undefined,
): (string | RegExp)[] {
  const usual = asked ?? (mode === "development" ? DEVELOPMENT_ORIGINS : []);
  return sandbox ? [...usual, SANDBOX_ORIGIN] : [...usual];
}

/**
 * Lets browsers send cookies, and take them, for pages of the origins that the operator configured. Must be
 * called before CORS handles requests, since that answers some of them.
 */
export function letOriginsSendCookies(app: FastifyInstance, asked: readonly string[] = []): void {
  const origins = new Set(asked);
  if (origins.size === 0) return;
  app.addHook("onRequest", async ({ headers }, reply) => {
    if (origins.has(headers.origin ?? "")) reply.header("access-control-allow-credentials", "true");
  });
}

/**
 * Refuses unknown values of the header Host, in development, on a developer's own machine. A web page whose
 * name is made to resolve to 127.0.0.1 (DNS rebinding) is of the gateway's own origin to the browser, and
 * could read all that the gateway shows. The name in Host gives it away.
 */
export function refuseForeignHosts(
  app: FastifyInstance,
  { mode }: Surface,
  { host, publicUrl }: { host: string; publicUrl: string | undefined },
): void {
  if (mode !== "development" || !LOOPBACK.has(host)) return;
  const own = publicUrl === undefined ? LOOPBACK : new Set([...LOOPBACK, new URL(publicUrl).hostname]);
  app.addHook("onRequest", async (request, reply) => {
    // Health checks ask by address, and their answers reveal nothing.
    if (own.has(request.hostname.toLowerCase()) || request.url.startsWith("/health/")) return;
    const message = "The header Host is not a name of this gateway; PUBLIC_URL says which it has.";
    await reply.code(421).send({ errors: [codedError("BAD_REQUEST", message).toJSON()] });
  });
}
