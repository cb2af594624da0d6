/**
 * Calls one program after the other in this process, each with one option, and prints what each has said as a
 * list in JSON: `node test/harness/call-programs.ts OPTION PROGRAM...`. A process for each would load most of
 * the product anew each time, a second of a processor. If one begins to do something, this process does not end.
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
