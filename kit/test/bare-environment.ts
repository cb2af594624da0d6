/**
 * What a program needs of its environment to start, without what the tests' own environment may configure.
 */
export const bareEnvironment: Record<string, string | undefined> = {
  PATH: process.env.PATH,
  // Compiled code is shared by the programs that tests start by the hundred; without it each start takes
  // twice the CPU time.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
};
