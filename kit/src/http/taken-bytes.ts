/**
 * How many bytes clients have taken. Node tells only when a whole write is done, and the system takes more of
 * a write only when about a third of its own buffer, some megabytes, is free again. So a slow reader seems to
 * take nothing for many seconds. Linux tells in /proc/net/tcp (proc_pid_net(5)) how many bytes of each socket
 * the client has not acknowledged. Elsewhere the bytes count that the system has taken.
 */
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
const READ_MS = 500;
/** The queue and the inode of the sockets whose queue is not empty. */
const QUEUED = /^ *\d+: \S+ \S+ \S+ (?!0{8}:)([\dA-F]{8}):\S+ \S+ \S+ +\d+ +\d+ (\d+) /gm;

/** What Node's socket knows of a write under way. Node's own socket timeout reads it too. */
interface Handle {
  fd?: number;
  bytesWritten?: number;
  writeQueueSize?: number;
}

/** @throws if it cannot be known at the moment */
export async function takenBytes(sockets: Iterable<Socket>): Promise<Map<Socket, number>> {
  // Read before the queues: a write in between must not look as if the client had taken it.
  const handed = Array.from(sockets, (socket) => [socket, handedOver(socket), inodeOf(socket)] as const);
  const queues = await readQueues();
  return new Map(handed.map(([socket, bytes, inode]) => [socket, bytes - (queues.get(inode) ?? 0)]));
}

const handleOf = (socket: Socket) => (socket as Socket & { _handle?: Handle | null })._handle;

/** The bytes that the system has taken. */
function handedOver(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = handleOf(socket) ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined)
    return socket.bytesWritten - socket.writableLength;
  return bytesWritten - writeQueueSize;
}

function inodeOf(socket: Socket): number | undefined {
  const fd = handleOf(socket)?.fd ?? -1;
  return fd < 0 ? undefined : fstatSync(fd).ino;
}

async function readQueues(): Promise<Map<number | undefined, number>> {
  const signal = AbortSignal.timeout(READ_MS);
  const texts = await Promise.all(
    TABLES.map((path) => readFile(path, { encoding: "latin1", signal }).catch(emptyIfNone)),
  );
  const lines = texts.flatMap((text) => [...text.matchAll(QUEUED)]);
  return new Map(lines.map(([, queue, inode]) => [Number(inode), Number.parseInt(queue!, 16)]));
}

function emptyIfNone(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT" || error.code === "EACCES") return "";
  throw error;
}
