/** The environment that a program needs to start, without the settings of the tests' own environment. */
export const bareEnvironment: Record<string, string | undefined> = {
  PATH: process.env.PATH,
  // The compile cache is shared by the programs that tests start by the hundred. Without it each start takes
  // twice the CPU time.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
};
