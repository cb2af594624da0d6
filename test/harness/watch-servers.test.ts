/**
 * Goal: a process that is started and a connection to another process are seen, and connections within this
 * process are not. Method: real ones; a worker thread has its server to itself, as a process has.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { watchServers } from "./watch-servers.ts";

const SERVER = `
  const { parentPort } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

const found: string[] = [];
watchServers((what) => found.push(what));

async function connectTo(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

test("a process, and a connection to a server that is not of this process", async () => {
  const worker = new Worker(SERVER, { eval: true });
  const [port] = (await once(worker, "message")) as [number];
  await connectTo(port);
  await worker.terminate();
  await once(spawn(process.execPath, ["--version"]), "close");
  expect(found.splice(0)).toEqual([`connected to port ${port}`, `started ${process.execPath}`]);
});

test("a connection to a server of this process is none", async () => {
  const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  await connectTo((server.address() as AddressInfo).port);
  server.close();
  expect(found.splice(0)).toEqual([]);
});
