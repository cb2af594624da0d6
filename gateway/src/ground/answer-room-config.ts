/**
 * The environment variable that bounds the bytes of services' answers. The gateway and the partition proxy
 * share it.
 */
import { countVariable } from "@teranga/kit/process/config.ts";
import { ANSWER_BYTES_MAX } from "./answer-room.ts";

export const answerRoomVariables = {
  ANSWER_BYTES_MAX: countVariable({ least: 1, usual: ANSWER_BYTES_MAX }).describe(
    "How many bytes of services' answers are put together at a time, of requests that have had more than 262,144; also of one alone.",
  ),
};
