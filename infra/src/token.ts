/** `npm run token -- client thies:2`: prints a token for the local cluster. */
import { parseArgs } from "node:util";
import { namedIdentity } from "@teranga/gateway/identity/named-identity.ts";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { clusterVariables } from "./config.ts";
import { askedHome } from "./last-home.ts";
import { issueToken, mayHaveToken } from "./token-issuer.ts";

const MINUTES = 60;
const MINUTES_MAX = 24 * 60;

const usage = {
  command: "npm run token",
  about: "Prints a token with which a request acts as somebody, at the local cluster.",
  options: {
    "client CLIENT": "A client, by the id: `client thies:2`.",
    "city CITY": "An operator of a city: `city thies`.",
    company: "An operator of the company.",
    "--minutes N": `For how long it is valid: ${MINUTES} by default, at most ${MINUTES_MAX}.`,
  },
  variables: clusterVariables.pick({ TERANGA_HOME: true }),
};

await runMain(usage, async () => {
  const { words, minutes } = readArguments(process.argv.slice(2));
  const identity = namedIdentity(words);
  if (!identity || !mayHaveToken(identity)) {
    throw new StartupError(
      `token ${words}: there is only client CLIENT (client thies:2), city CITY (city thies) and company`,
    );
  }
  const home = await askedHome(process.env);
  process.stdout.write(`${await issueToken(home, identity, { minutes, nowMs: Date.now() })}\n`);
});

function readArguments(args: string[]): { words: string; minutes: number } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { minutes: { type: "string", default: String(MINUTES) } },
      allowPositionals: true,
    });
    const minutes = Number(values.minutes);
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > MINUTES_MAX) {
      throw new Error(`--minutes: ${values.minutes} is not a whole number from 1 to ${MINUTES_MAX}`);
    }
    return { words: positionals.join(" "), minutes };
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}
