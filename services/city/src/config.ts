/** The configuration of a city's service. */

import { doorVariables } from "@teranga/kit/http/door-config.ts";
import {
  countVariable,
  databaseUrlVariable,
  StartupError,
  secretVariable,
  serviceVariables,
  stalenessVariable,
} from "@teranga/kit/process/config.ts";
import { z } from "zod";

export const cityVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  CITY: z.string().describe("The id of the city that it serves, one of the topology's."),
  DATABASE_URL: databaseUrlVariable.describe("The city's own PostgreSQL database, a `postgres://` URL."),
  READ_STALENESS_MS: stalenessVariable,
  HORIZON_DAYS: countVariable({ least: 1, most: 3_650, usual: 30 }).describe(
    "For how many days aborted transactions are kept. What comes of an older one that is not known is refused, so no clock may be so far behind.",
  ),
  PAYMENT_PROVIDER_URL: z
    .url({ protocol: /^https?$/, error: "is not an http or https URL" })
    .refine(isBaseUrl, "may not have a user, a password, a query or a fragment")
    .optional()
    .describe(
      "Where the mobile-money company, or an adapter before it, answers (docs/payments.md). `MOBILE_MONEY` is not offered without.",
    ),
  PAYMENT_PROVIDER_SECRET: secretVariable
    .optional()
    .describe("The secret that messages to `PAYMENT_PROVIDER_URL` are signed with; the two go together."),
});

/** A message has a path below the URL. A password would be seen in spans, which have the whole URL. */
function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  // A text that is no URL has its own error.
  return url === null || (!/[?#]/.test(text) && url.username === "" && url.password === "");
}

/**
 * The mobile-money provider; null if mobile money is not offered.
 * @throws StartupError if only one of the two variables is set
 */
export function readPaymentProvider({
  PAYMENT_PROVIDER_URL: url,
  PAYMENT_PROVIDER_SECRET: secret,
}: Pick<z.infer<typeof cityVariables>, "PAYMENT_PROVIDER_URL" | "PAYMENT_PROVIDER_SECRET">): {
  url: string;
  secret: string;
} | null {
  if (url !== undefined && secret !== undefined) return { url, secret };
  if (url === undefined && secret === undefined) return null;
  const missing = url === undefined ? "PAYMENT_PROVIDER_URL" : "PAYMENT_PROVIDER_SECRET";
  throw new StartupError(
    `Configuration: ${missing} is not set; PAYMENT_PROVIDER_URL and _SECRET go together`,
  );
}
