/** The variables of the door. They are the same for every program that listens. */
import { z } from "zod";
import { countVariable, StartupError } from "../process/config.ts";
import { DEFAULT_DOOR, type Door } from "./door.ts";

export const doorVariables = {
  HOST: z
    .string()
    .optional()
    .describe(
      "The address to listen on: `0.0.0.0` or `::` is all of the machine's. `127.0.0.1` by default; with `NODE_ENV=production` it must be said.",
    ),
  HEAD_TIMEOUT_MS: countVariable({ least: 10, usual: DEFAULT_DOOR.headMs }).describe(
    "How long the headers of a request may take to come, in milliseconds.",
  ),
  BODY_TIMEOUT_MS: countVariable({ least: 10, usual: DEFAULT_DOOR.bodyMs }).describe(
    "How long a request may take to come as a whole, in milliseconds.",
  ),
  ANSWER_TIMEOUT_MS: countVariable({ least: 10, usual: DEFAULT_DOOR.answerMs }).describe(
    "How long a client may take to read an answer, or a part of one that comes in parts, in milliseconds.",
  ),
  KEEP_ALIVE_MS: countVariable({ least: 10, usual: DEFAULT_DOOR.keepAliveMs }).describe(
    "How long a connection may be idle, in milliseconds; longer than whoever asks keeps it.",
  ),
  CONNECTIONS_MAX: countVariable({ least: 1, usual: DEFAULT_DOOR.connectionsMax }).describe(
    "How many connections there may be; more are closed at once.",
  ),
  REQUESTS_MAX: countVariable({ least: 1, usual: DEFAULT_DOOR.requestsMax }).describe(
    "How many requests are carried out at a time; more are `OVERLOADED`.",
  ),
  UNREAD_BYTES_MAX: countVariable({ least: 1, usual: DEFAULT_DOOR.unreadBytesMax }).describe(
    "How many bytes of answers may wait for slow clients; beyond, those that have read least in the last seconds are cut off.",
  ),
  DRAIN_TIMEOUT_MS: countVariable({ least: 10, most: 9_000, usual: DEFAULT_DOOR.drainMs }).describe(
    "How long a server that is told to end waits for what is under way, in milliseconds.",
  ),
};

/** @throws StartupError if the address to listen on is required and missing */
export function readDoor(variables: z.infer<z.ZodObject<typeof doorVariables>>, nodeEnv?: string): Door {
  if (variables.HOST === undefined && nodeEnv === "production") {
    throw new StartupError(
      "Configuration: HOST is not set; with NODE_ENV=production say where to listen (0.0.0.0, ::, 127.0.0.1, ...)",
    );
  }
  return {
    ...DEFAULT_DOOR,
    host: variables.HOST ?? DEFAULT_DOOR.host,
    headMs: variables.HEAD_TIMEOUT_MS,
    bodyMs: variables.BODY_TIMEOUT_MS,
    answerMs: variables.ANSWER_TIMEOUT_MS,
    keepAliveMs: variables.KEEP_ALIVE_MS,
    connectionsMax: variables.CONNECTIONS_MAX,
    requestsMax: variables.REQUESTS_MAX,
    unreadBytesMax: variables.UNREAD_BYTES_MAX,
    drainMs: variables.DRAIN_TIMEOUT_MS,
  };
}
