/** The terminal or pipe that a program was started in. */

/**
 * Lets the program go on when its output is closed before it ends (`| tee` that was killed, a terminal that was closed):
 * what it says then is lost, and what it runs is not.
 */
export function outliveTerminal(): void {
  // Whatever the error is (EPIPE, EIO, a full disk), there is nowhere left to say it.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
