/** Reads the header cache-control of a service's answer. */

const MAX_AGE = /(?:^|[\s,])max-age=(\d{1,9})(?=$|[\s,])/;

/** For how long everybody may be given the answer; 0 if nobody else may. */
export function publicMaxAgeMs(cacheControl: string | undefined): number {
  if (cacheControl === undefined) return 0;
  const words = cacheControl.toLowerCase().split(/[\s,]+/);
  if (!words.includes("public") || words.includes("no-store") || words.includes("no-cache")) return 0;
  return Number(MAX_AGE.exec(cacheControl.toLowerCase())?.[1] ?? 0) * 1_000;
}
