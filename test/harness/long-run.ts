/** What the programs have in common that hurt a shop or a catalog for minutes. */
import { z } from "zod";

/** Decides what is drawn. By the time, if none is given. */
export const seedOption = z
  .string()
  .min(1)
  .default(() => String(Date.now() % 1_000_000));

/** @returns prints a line with the seconds since this call */
export function startTelling(): (line: string) => void {
  const startedMs = performance.now();
  return (line) => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    process.stdout.write(`${String(seconds).padStart(5)} s  ${line}\n`);
  };
}
