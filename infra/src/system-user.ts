/**
 * The unprivileged user that runs PostgreSQL when root starts the cluster, because PostgreSQL refuses to run
 * as root. For any other user PostgreSQL runs as that user, and nothing here applies.
 */
import { spawnSync } from "node:child_process";
import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";

const USER_NAME = "teranga";

export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * Holds the files that this user must reach if the checkout or the home is closed to others (below /root).
 */
export const REACHABLE_ROOT = "/var/lib/teranga";

/**
 * The user that PostgreSQL must run as, made if it does not exist. Undefined if PostgreSQL can run as the
 * caller.
 * @throws StartupError if the user does not exist and cannot be made
 */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = lookUp();
  if (known) return known;
  const options = [
    "--system",
    "--no-create-home",
    "--home-dir",
    "/nonexistent",
    "--shell",
    "/usr/sbin/nologin",
  ];
  const made = spawnSync("useradd", [...options, USER_NAME], { encoding: "utf8" });
  // Two clusters that start at once may both try to make the user; the failure of the second does not matter.
  const user = lookUp();
  if (user) return user;
  const reason = made.error?.message ?? made.stderr.trim().split("\n")[0];
  throw new StartupError(
    `PostgreSQL does not run as root, and the user "${USER_NAME}" to run it as could not be made (${reason}); make it, or start as another user`,
  );
}

function lookUp(): SystemUser | undefined {
  const [uid, gid] = ["-u", "-g"].map((option) => {
    const { status, stdout } = spawnSync("id", [option, USER_NAME], { encoding: "utf8" });
    return status === 0 ? Number(stdout) : undefined;
  });
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** Gives a file or an empty directory to the user. Does nothing if PostgreSQL runs as the caller. */
export async function giveTo(user: SystemUser | undefined, path: string): Promise<void> {
  if (user) await chown(path, user.uid, user.gid);
}

/** Whether the user may enter every directory above `path`, judged by the mode bits. */
export async function canReach(user: SystemUser | undefined, path: string): Promise<boolean> {
  if (!user) return true;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const { mode, uid, gid } = await stat(directory);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (directory === dirname(directory)) return true;
  }
}
