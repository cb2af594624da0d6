/** The environment variables of the surface that clients meet at the gateway's door. */
import { countVariable } from "@teranga/kit/process/config.ts";
import { z } from "zod";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import { readSafelist } from "./safelist.ts";
import { type Mode, type Surface, surfaceOf } from "./surface.ts";

const limitVariable = (name: keyof Limits, meaning: string) =>
  countVariable({ least: 1, usual: DEFAULT_LIMITS[name] }).describe(meaning);

const switchVariable = (meaning: string) =>
  z
    .enum(["true", "false"], { error: "is neither `true` nor `false`" })
    .transform((text) => text === "true")
    .optional()
    .describe(meaning);

export const surfaceVariables = {
  NODE_ENV: z
    .string()
    .optional()
    .describe(
      "`development`: faults are shown to clients as they are, and `x-explain` is answered. Anything else, or nothing, is production.",
    ),
  INTROSPECTION: switchVariable(
    "`true` or `false`: whether clients may ask for the schema; in development by default.",
  ),
  SANDBOX: switchVariable(
    "`true` or `false`: whether browsers are shown Apollo Sandbox; in development by default.",
  ),
  SAFELIST: z
    .string()
    .optional()
    .describe(
      "The path of a manifest of persisted queries. With it no other operations are run; any are without.",
    ),
  SAFELIST_MODE: z
    .enum(["enforce", "log"], { error: "is neither `enforce` nor `log`" })
    .default("enforce")
    .describe(
      "`log` runs operations that are not in the safelist all the same, and logs them; `enforce` refuses them.",
    ),
  DEPTH_MAX: limitVariable("depthMax", "How deep the fields of an operation may be nested."),
  ALIASES_MAX: limitVariable("aliasesMax", "How many aliases an operation may have."),
  ROOT_FIELDS_MAX: limitVariable("rootFieldsMax", "How many fields an operation may have at its root."),
  TOKENS_MAX: limitVariable("tokensMax", "How many tokens a document may have."),
  COST_MAX: limitVariable(
    "costMax",
    "What an operation may cost, about one an object of its answer (docs/limits.md).",
  ),
  BODY_BYTES_MAX: limitVariable("bodyBytesMax", "How many bytes the body of a request may have."),
};

export type SurfaceVariables = z.infer<z.ZodObject<typeof surfaceVariables>>;

/** @throws StartupError, one line, if the safelist cannot be used */
export async function readSurface(variables: SurfaceVariables): Promise<Surface> {
  const mode: Mode = variables.NODE_ENV === "development" ? "development" : "production";
  const usual = surfaceOf(mode);
  const { SAFELIST: file, SAFELIST_MODE: safelistMode } = variables;
  return {
    mode,
    introspection: variables.INTROSPECTION ?? usual.introspection,
    sandbox: variables.SANDBOX ?? usual.sandbox,
    limits: {
      depthMax: variables.DEPTH_MAX,
      aliasesMax: variables.ALIASES_MAX,
      rootFieldsMax: variables.ROOT_FIELDS_MAX,
      tokensMax: variables.TOKENS_MAX,
      costMax: variables.COST_MAX,
      bodyBytesMax: variables.BODY_BYTES_MAX,
    },
    safelist: file === undefined ? undefined : await readSafelist(file, safelistMode),
  };
}
