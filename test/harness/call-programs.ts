/**
 * `node test/harness/call-programs.ts OPTION PROGRAM...`: calls the programs one after the other in this
 * process, each with the option, and prints their outputs as a list in JSON. A process for each program would
 * load most of the product again, a second of CPU time each. If a program does more than answer the option,
 * this process does not end.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface Outcome {
  program: string;
  code: number;
  stdout: string;
  stderr: string;
}

class Exit extends Error {}

const [option, ...programs] = process.argv.slice(2);
const print = process.stdout.write.bind(process.stdout);
let outcome: Outcome;
for (const name of ["stdout", "stderr"] as const) {
  process[name].write = (text: string | Uint8Array) => {
    outcome[name] += text;
    return true;
  };
}
process.exit = (code) => {
  outcome.code = Number(code ?? 0);
  throw new Exit();
};

const outcomes: Outcome[] = [];
for (const program of programs) {
  outcome = { program, code: 0, stdout: "", stderr: "" };
  outcomes.push(outcome);
  process.argv = [process.execPath, resolve(program), option!];
  await import(pathToFileURL(resolve(program)).href).catch((error: unknown) => {
    if (!(error instanceof Exit)) outcome.stderr += `${error}`;
  });
}
print(JSON.stringify(outcomes));
