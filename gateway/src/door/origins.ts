/**
 * From which pages browsers may ask the gateway, and under which names it answers
 * (docs/decisions/019-who-may-ask.md).
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import type { FastifyInstance } from "fastify";
import type { Surface } from "./surface.ts";

/** Sandbox as the gateway shows it runs in a frame of Apollo's. */
const SANDBOX_ORIGIN = "https://sandbox.embed.apollographql.com";
/** Apollo Studio, and pages of a developer's own machine. */
const DEVELOPMENT_ORIGINS = [
  "https://studio.apollographql.com",
  /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/,
];
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** @param asked what the operator says; instead of what the mode allows */
export function corsOriginsOf(
  { mode, sandbox }: Surface,
  asked: readonly string[] | undefined,
): (string | RegExp)[] {
  const usual = asked ?? (mode === "development" ? DEVELOPMENT_ORIGINS : []);
  return sandbox ? [...usual, SANDBOX_ORIGIN] : [...usual];
}

/**
 * In development, on a developer's own machine: a page of the web whose name is made to lead to 127.0.0.1
 * (DNS rebinding) is for the browser one of the gateway's own, and could read all that it shows. It is known
 * by the name.
 */
export function refuseForeignHosts(
  app: FastifyInstance,
  { mode }: Surface,
  { host, publicUrl }: { host: string; publicUrl: string | undefined },
): void {
  if (mode !== "development" || !LOOPBACK.has(host)) return;
  const own = publicUrl === undefined ? LOOPBACK : new Set([...LOOPBACK, new URL(publicUrl).hostname]);
  app.addHook("onRequest", async (request, reply) => {
    // Those who watch ask by address, and learn nothing.
    if (own.has(request.hostname.toLowerCase()) || request.url.startsWith("/health/")) return;
    const message = "The header Host is not a name of this gateway; PUBLIC_URL says which it has.";
    await reply.code(421).send({ errors: [codedError("BAD_REQUEST", message).toJSON()] });
  });
}
