/** Something that may make a read old. */
import type { Random } from "../harness/random.ts";

export interface Fault {
  name: string;
  /** It is drawn with a probability proportional to its weight. */
  weight: number;
  /** Whether commits wait until it is over. */
  stopsWrites?: boolean;
  /** Ends when everything is as before. */
  happen: () => Promise<void>;
}

export interface FaultMeans {
  random: Random;
  delay: (ms: number) => Promise<void>;
}
