/**
 * `npm run audit -- --suite DIR`: runs the public federation gateway audit from a checkout of its repository.
 *
 * Exit code 1 means that our gateway failed a case.
 */
import { parseArgs } from "node:util";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { GATEWAY_NAMES, type GatewayName } from "./gateways.ts";
import { type CaseResult, openPublicSuite } from "./public-suite.ts";

const ANSWER_LENGTH = 2_000;

const usage = {
  command: "npm run audit",
  about: "Runs the public federation gateway audit from a checkout of it.",
  options: {
    "--suite DIR": "The checkout, after npm install in it.",
    "--gateway NAME": "Ours (the default), apollo or stock; may be given again.",
    "--only TEXT": "Suites whose id has this; may be given again.",
  },
};

await runMain(usage, async () => {
  const { suite: checkout, gateways, only } = readOptions(process.argv.slice(2));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const suite = await openPublicSuite(checkout);
  try {
    const ids = suite.ids.filter((id) => only.length === 0 || only.some((text) => id.includes(text)));
    for (const gateway of gateways) {
      const results: CaseResult[] = [];
      for (const id of ids) {
        const ofSuite = await suite.run(id, gateway);
        say(
          `${gateway.padEnd(7)}${id.padEnd(40)}${ofSuite.map(({ passed }) => (passed ? "." : "X")).join("")}`,
        );
        results.push(...ofSuite);
      }
      const failed = results.filter(({ passed }) => !passed);
      for (const result of failed) say(describe(result));
      say(`${gateway}: ${results.length - failed.length} of ${results.length} cases passed\n`);
      if (failed.length > 0 && gateway === "ours") process.exitCode = 1;
    }
  } finally {
    await suite.stop();
  }
});

function describe({ suite, index, query, expected, answer }: CaseResult): string {
  const text = (value: unknown) => JSON.stringify(value).slice(0, ANSWER_LENGTH);
  const plain = query.replace(/\s+/g, " ").trim();
  return `\n${suite} ${index}\n  ${plain}\n  expected ${text(expected)}\n  answered ${text(answer)}`;
}

function readOptions(args: readonly string[]) {
  const values = parse(args);
  if (values.suite === undefined)
    throw new StartupError("--suite: set it to a checkout of the federation gateway audit (docs/audit.md)");
  const known = (name: string): name is GatewayName => (GATEWAY_NAMES as readonly string[]).includes(name);
  const gateways = values.gateway ?? ["ours"];
  if (!gateways.every(known)) throw new StartupError(`--gateway: there is only ${GATEWAY_NAMES.join(", ")}`);
  return { suite: values.suite, gateways, only: values.only ?? [] };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        suite: { type: "string" },
        gateway: { type: "string", multiple: true },
        only: { type: "string", multiple: true },
      },
    }).values;
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}
