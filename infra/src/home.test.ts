import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { beginLog, claimHome, keepSecret, openHome, pathsOf, runningSupervisor } from "./home.ts";
import { wipeHome } from "./wipe-home.ts";

const log = createLogger("test", "silent");
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-home-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("a home is made once and opened again", async () => {
  await rm(home, { recursive: true });
  await openHome(home);
  await openHome(home);
  expect(await readFile(pathsOf(home).version, "utf8")).toBe("teranga-home 2\n");
});

test("a home of the first layout is taken over, and older code refuses it from then on", async () => {
  await writeFile(pathsOf(home).version, "teranga-home 1\n");
  await openHome(home);
  expect(await readFile(pathsOf(home).version, "utf8")).toBe("teranga-home 2\n");
});

test("a home of another version of Teranga is refused in one line", async () => {
  await writeFile(pathsOf(home).version, "teranga-home 0\n");
  await expect(openHome(home)).rejects.toThrow(/^TERANGA_HOME: .* made by another version of Teranga .*$/);
});

test("a directory that holds something else is refused, by a start and by a reset, and stays as it is", async () => {
  await writeFile(join(home, "thesis.txt"), "three years of work");
  await expect(openHome(home)).rejects.toThrow("is not empty and was not made by Teranga");
  await expect(wipeHome(home, log)).rejects.toThrow("was not made by Teranga and is not touched");
  expect(await readFile(join(home, "thesis.txt"), "utf8")).toBe("three years of work");
});

test.each(["1\n", "18.4.0\n", "", "my teranga-home 1\n"])(
  "a directory whose version file says %j is no home: neither a start nor a reset touches it",
  async (version) => {
    await writeFile(pathsOf(home).version, version);
    await writeFile(join(home, "thesis.txt"), "three years of work");
    await expect(openHome(home)).rejects.toThrow(/was not made by Teranga: use another one$/);
    await expect(wipeHome(home, log)).rejects.toThrow("was not made by Teranga and is not touched");
    expect(await readdir(home)).toEqual(["thesis.txt", "version"]);
  },
);

test("a reset refuses a home that holds something else too, names it, and gives the home free", async () => {
  await openHome(home);
  await writeFile(pathsOf(home).credential, "secret");
  await writeFile(join(home, "thesis.txt"), "three years of work");
  await mkdir(join(home, "photos"));
  await expect(wipeHome(home, log)).rejects.toThrow(
    / also holds "photos", "thesis.txt", not made by Teranga: .*$/,
  );
  expect(await readdir(home)).toEqual(["credential", "photos", "thesis.txt", "version"]);
});

test("a reset removes all that a home holds, whatever a kill left half done", async () => {
  await openHome(home);
  const paths = pathsOf(home);
  for (const file of [paths.credential, `${paths.ports}.partial`, `${paths.processes}.partial`])
    await writeFile(file, "");
  for (const directory of [paths.logs, join(paths.postgres, ".dakar.partial")])
    await mkdir(directory, { recursive: true });
  await symlink(home, `${home}-link`);
  try {
    expect(await wipeHome(`${home}-link`, log)).toBe("wiped");
    expect(await readdir(home)).toEqual([]);
  } finally {
    await rm(`${home}-link`);
  }
});

test("a home has one cluster at a time", async () => {
  await openHome(home);
  const claim = await claimHome(home);
  await expect(claimHome(home)).rejects.toThrow(`A cluster runs on ${home} (pid ${process.pid})`);
  await expect(wipeHome(home, log)).rejects.toThrow("A cluster runs on");
  await claim.release();
  expect(await wipeHome(home, log)).toBe("wiped");
  await expect(stat(home)).rejects.toThrow("ENOENT");
});

test("the claim of a process that has ended does not hold, even if its pid is somebody else's now", async () => {
  await openHome(home);
  await writeFile(pathsOf(home).lock, `${process.pid} 12345\n`);
  expect(await runningSupervisor(home)).toBeUndefined();
  const claim = await claimHome(home);
  expect((await runningSupervisor(home))?.pid).toBe(process.pid);
  await claim.release();
});

test("wiping where there is nothing is no error", async () => {
  expect(await wipeHome(home, log)).toBe("nothing");
  expect(await wipeHome(join(home, "missing"), log)).toBe("nothing");
});

test("a secret stays the same, and only its owner can read it", async () => {
  const { credential } = pathsOf(home);
  const secret = await keepSecret(credential);
  expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  expect(await keepSecret(credential)).toBe(secret);
  expect((await stat(credential)).mode & 0o777).toBe(0o600);
});

test("a secret that is there and cannot be read is not replaced", async () => {
  const { credential } = pathsOf(home);
  await mkdir(credential);
  await expect(keepSecret(credential)).rejects.toThrow("EISDIR");
});

test("logs are those of this run and the one before", async () => {
  for (const run of ["first", "second", "third"]) {
    await writeFile(await beginLog(home, "catalog"), run);
  }
  expect(await readFile(join(home, "logs", "catalog.log"), "utf8")).toBe("third");
  expect(await readFile(join(home, "logs", "catalog.old.log"), "utf8")).toBe("second");
});

test("a home that cannot be made is one line", async () => {
  await mkdir(join(home, "parent"));
  await writeFile(join(home, "parent", "file"), "");
  await expect(openHome(join(home, "parent", "file", "home"))).rejects.toThrow(
    /^TERANGA_HOME: .* cannot be made \(ENOTDIR\)$/,
  );
});
