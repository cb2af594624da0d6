/** A mistake that is planted, and what it changes. */

export interface PlantedBug {
  name: string;
  edits: readonly Edit[];
}

export interface Edit {
  /** From the root of the repository. */
  file: string;
  /** What is replaced; it is there exactly once. */
  find: string;
  replace: string;
}
