/**
 * Configuration from the environment, checked at start.
 *
 * Every service declares its variables once, in a zod object. The keys are the variables and the
 * `.describe()` texts are the documentation. A test compares docs/configuration.md with them.
 */
import { z } from "zod";
import { outliveOutput } from "./output.ts";
import { asksForHelp, type Usage, usageText } from "./usage.ts";

/**
 * A start that fails because of the operator's configuration or environment. It is
 * printed as one line; exit code 1.
 */
export class StartupError extends Error {
  override name = "StartupError";
}

/**
 * Reads the variables of `schema` from `env`. An empty variable counts as missing.
 * @throws StartupError naming every missing or wrong variable, on one line. It repeats only the values of
 * ports and levels: any other value may be a secret.
 */
export function readConfig<T extends z.ZodObject>(schema: T, env: NodeJS.ProcessEnv): z.infer<T> {
  const given = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, env[name] || undefined]));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const name = issue.path.join(".");
    return given[String(issue.path[0])] === undefined ? `${name} is not set` : `${name}: ${issue.message}`;
  });
  throw new StartupError(`Configuration: ${problems.join("; ")}`);
}

const PORT_MAX = 65_535;
const SECRET_LENGTH_MIN = 16;
const FIGURE_MAX = 1_000_000_000;

/** A TCP port, in decimal digits; 0 asks the system for a free one. */
export const portVariable = z
  .string()
  .refine((text) => /^\d+$/.test(text) && Number(text) <= PORT_MAX, {
    error: ({ input }) => `${JSON.stringify(input)} is not a port (0 to ${PORT_MAX})`,
  })
  .transform(Number);

/** A secret that services authenticate with. Its value is not repeated when it is refused. */
export const secretVariable = z
  .string()
  .min(SECRET_LENGTH_MIN, `needs ${SECRET_LENGTH_MIN} characters or more`);

export interface Range {
  least: number;
  most?: number;
  /** The default. */
  usual: number;
}

/** A whole number. */
export const countVariable = ({ least, most = FIGURE_MAX, usual }: Range) =>
  within({ least, most }).int("is not a whole number").default(usual);

/** A number that may have a fraction, between 0 and 1. */
export const shareVariable = (usual: number) => within({ least: 0, most: 1 }).default(usual);

const within = ({ least, most }: { least: number; most: number }) =>
  z.coerce
    .number({ error: "is not a number" })
    .min(least, `must be ${least} or more`)
    .max(most, `must be ${most} or less`);

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** A log level of pino. */
export const logLevelVariable = z
  .enum(LOG_LEVELS, {
    error: ({ input }) => `${JSON.stringify(input)} is not a level (${LOG_LEVELS.join(", ")})`,
  })
  .default("info");

/** Where spans are sent; the same for every program that records some. The names are OpenTelemetry's. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "is not an http or https URL" })
    .optional()
    .describe("The base URL of a collector that takes spans over OTLP/HTTP. Without it none are recorded."),
  OTEL_TRACES_SAMPLER_ARG: shareVariable(1).describe(
    "The share of the traces begun here that is recorded, from 0 to 1. Of a trace begun elsewhere, all or nothing.",
  ),
};

export type TracingConfig = z.infer<z.ZodObject<typeof tracingVariables>>;

/** The URL of a PostgreSQL database. A wrong value is not repeated, since it may hold a password. */
export const databaseUrlVariable = z
  .string()
  .refine(isDatabaseUrl, "is not a URL such as postgres://user:password@host:5432/name");

function isDatabaseUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1;
}

/** How old the data of a replica may be. */
export const stalenessVariable = countVariable({ least: 100, most: 60_000, usual: 5_000 }).describe(
  "How old an answer of a replica may be for a client without a session, in milliseconds (docs/reads.md).",
);

/** The variables of every service of a cluster. */
export const serviceVariables = {
  PORT: portVariable.describe("The port to listen on; 0 takes a free one."),
  SERVICE_CREDENTIAL: secretVariable.describe("The secret that the services of a cluster show one another."),
  TOPOLOGY: z
    .string()
    .describe("The path of the topology file: which subgraphs and cities there are, and where."),
  LOG_LEVEL: logLevelVariable.describe(
    "The least severe level that is logged: `fatal` to `trace`, or `silent`.",
  ),
  ...tracingVariables,
};

/** A program with options that take values reads them itself. */
function refuseUnknownFlags({ options = {} }: Usage, args: readonly string[]): void {
  const flags = Object.keys(options);
  if (flags.some((option) => !/^--[\w-]+$/.test(option))) return;
  const unknown = args.find((arg) => !flags.includes(arg));
  if (unknown === undefined) return;
  throw new StartupError(`Unknown option ${unknown}; there is only ${flags.join(", ") || "--help"}`);
}

/**
 * Runs a program's main function, unless help was asked for. A StartupError is one line on standard error;
 * any other error is a stack trace.
 */
export async function runMain(
  usage: Usage,
  main: () => Promise<void>,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  outliveOutput();
  if (asksForHelp(args)) {
    process.stdout.write(usageText(usage));
    return;
  }
  try {
    refuseUnknownFlags(usage, args);
    await main();
  } catch (error) {
    process.stderr.write(
      error instanceof StartupError ? `${error.message}\n` : `${(error as Error)?.stack ?? error}\n`,
    );
    process.exit(1);
  }
}
