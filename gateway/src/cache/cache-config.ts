/** The environment variable of the entity cache. */
import { countVariable } from "@teranga/kit/process/config.ts";

/** 20,000 products, or 3,000 pages of 20. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024;

export const cacheVariables = {
  CACHE_BYTES_MAX: countVariable({ least: 0, usual: CACHE_BYTES_MAX }).describe(
    "How many bytes of services' answers are kept in memory, as long as the services allow; 0 keeps none.",
  ),
};
