/** CPU profiles of contestants, kept for Chrome's DevTools. */
import { mkdir, writeFile } from "node:fs/promises";
import { type CpuProfile, type ServiceProfile, summarise } from "../cpu-profile.ts";

/** In the checkout, where git ignores it. */
const DIRECTORY = new URL("../../../.teranga-profiles/", import.meta.url);

export async function keepProfile(name: string, profile: CpuProfile): Promise<ServiceProfile> {
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(new URL(`gateway-${name}.cpuprofile`, DIRECTORY), JSON.stringify(profile));
  return summarise(name, profile);
}
