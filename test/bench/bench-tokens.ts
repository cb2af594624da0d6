/** `npm run bench:tokens`: what a client's token costs the gateway, new and remembered. */

import { AUDIENCE, goodClaims, ISSUER, jwksOf, makeKey, sign } from "@teranga/gateway/fixture/issuer.ts";
import { byToken } from "@teranga/gateway/identity/identity-means.ts";
import { KeyRing } from "@teranga/gateway/identity/key-ring.ts";
import { TokenReader } from "@teranga/gateway/identity/token-reader.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";

const TOKENS = 2_000;
const ROUNDS = 100;
const ALGORITHMS = ["ES256", "RS256", "EdDSA"] as const;

const usage = {
  command: "npm run bench:tokens",
  about: "Measures what a client's token costs the gateway, when it is new and when it is remembered.",
};

await runMain(usage, async () => {
  for (const algorithm of ALGORITHMS) {
    const { length, newUs, rememberedUs } = await measure(algorithm);
    process.stdout.write(
      `${algorithm}: tokens of ${length} characters, new ${newUs.toFixed(1)} µs of CPU, remembered ${rememberedUs.toFixed(2)} µs\n`,
    );
  }
});

async function measure(algorithm: (typeof ALGORITHMS)[number]) {
  const key = await makeKey("one", algorithm);
  const log = createLogger("bench", "silent");
  const ring = new KeyRing({ log, nowMs: () => performance.now() });
  ring.take(jwksOf(key));
  const { keys } = ring;
  const source = { keys, refresh: async () => {}, close: async () => {} };
  const terms = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], clockSkewS: 30 };
  const means = byToken(new TokenReader(terms, { source, log, nowMs: () => Date.now() }), VISITOR);
  const claims = goodClaims(Date.now());
  const headers: string[][] = [];
  for (let id = 1; id <= TOKENS; id++) {
    headers.push([
      `Bearer ${await sign(key, { ...claims, sub: `thies:${id}`, scope: "client profile email" })}`,
    ]);
  }
  const round = async () => {
    for (const header of headers) await means.identify(header);
  };
  const newUs = (await cpuUsOf(round)) / TOKENS;
  const rememberedUs = await cpuUsOf(async () => {
    for (let count = 0; count < ROUNDS; count++) await round();
  });
  return { length: headers[0]![0]!.length, newUs, rememberedUs: rememberedUs / TOKENS / ROUNDS };
}

/** With all threads: signatures are checked on one of their own. */
async function cpuUsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
