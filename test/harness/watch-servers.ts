/** Watches this process for what leaves it: processes that it starts, and connections to others. */
import type { ChildProcess } from "node:child_process";
import { subscribe, tracingChannel } from "node:diagnostics_channel";
import type { AddressInfo, Server, Socket } from "node:net";

/** @param found is called with what was done, as the end of a sentence */
export function watchServers(found: (what: string) => void): void {
  const own = new Set<number>();
  // An address may be refused, and then be another test's server. So the listening ports are those of now.
  tracingChannel<string, { server: Server }>("net.server.listen").asyncEnd.subscribe((message) => {
    const { server } = message as { server: Server };
    const port = (server.address() as AddressInfo | null)?.port;
    if (port === undefined) return;
    own.add(port);
    server.once("close", () => own.delete(port));
  });
  subscribe("net.client.socket", (message) => {
    const { socket } = message as { socket: Socket };
    socket.once("connect", () => {
      const { remotePort } = socket;
      if (remotePort !== undefined && !own.has(remotePort)) found(`connected to port ${remotePort}`);
    });
  });
  subscribe("child_process", (message) => {
    const { process } = message as { process: ChildProcess };
    process.once("spawn", () => found(`started ${process.spawnfile}`));
  });
}
