/** Goal: the example finds the gateway, and says so if there is none. Method: the program as a process. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";

const PROGRAM = fileURLToPath(new URL("example.ts", import.meta.url));

function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; stderr: string }> {
  const settings = { env: { ...bareEnvironment, ...env }, timeout: 20_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], settings, (error, _stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stderr });
    });
  });
}

/** Runs `body` with a server that is no gateway, and returns the paths of the requests. */
async function withServer(body: (port: number) => Promise<unknown>): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await body((server.address() as AddressInfo).port);
    return asked;
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

test("it asks the gateway at GATEWAY_PORT", async () => {
  const asked = await withServer(async (port) => {
    expect(await run([], { GATEWAY_PORT: String(port) })).toEqual({
      code: 1,
      stderr: `http://127.0.0.1:${port}/graphql is no GraphQL endpoint. Is a gateway running there? (npm start)\n`,
    });
  });
  expect(asked).toEqual(["/graphql"]);
});

test("a URL goes before GATEWAY_PORT", async () => {
  const asked = await withServer((port) => run([`http://localhost:${port}/graph`], { GATEWAY_PORT: "1" }));
  expect(asked).toEqual(["/graph"]);
});

test("it says that nothing listens", async () => {
  let url = "";
  await withServer(async (port) => {
    url = `http://127.0.0.1:${port}/graphql`;
  });
  expect(await run([url])).toEqual({
    code: 1,
    stderr: `Nothing listens at ${url}. Is a gateway running there? (npm start)\n`,
  });
});

test.each([
  [["localhost:4000"], {}, '"localhost:4000" is not a URL; http://127.0.0.1:4000/graphql is one.'],
  [["http://a b/"], {}, '"http://a b/" is not a URL; http://127.0.0.1:4000/graphql is one.'],
  [["http://a/", "b"], {}, "There is one argument, the gateway's URL."],
  [[], { GATEWAY_PORT: "http" }, 'GATEWAY_PORT: "http" is not a port.'],
  [[], { GATEWAY_PORT: "65536" }, 'GATEWAY_PORT: "65536" is not a port.'],
  [[], { GATEWAY_PORT: "0" }, "GATEWAY_PORT is 0, any free port: give the URL (npm run example -- URL)."],
] as [string[], Record<string, string>, string][])("%j with %j is refused", async (args, env, words) => {
  expect(await run(args, env)).toEqual({ code: 1, stderr: `${words}\n` });
});
