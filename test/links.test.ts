/**
 * Goal: what the documentation links to exists (files and headings), and so does each path that it names.
 * Method: all pages are read.
 */
import { existsSync, globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** GitHub's anchor for a heading: letters, digits and hyphens, in lower case. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

/** The text without code, because brackets mean something else in code. */
const proseOf = (page: string) => page.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, "code");

async function anchorsOf(path: string): Promise<string[]> {
  const text = (await readFile(path, "utf8")).replaceAll(/^```.*?^```/gms, "");
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading]) => anchorOf(heading!));
}

/**
 * Says what is wrong with a link from this page; undefined if it leads somewhere, or out of the repository.
 */
async function faultOf(page: string, link: string): Promise<string | undefined> {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path, anchor] = link.split("#") as [string, string?];
  const file = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return `${page}: ${link} leads to no file`;
  if (anchor === undefined || (await anchorsOf(file)).includes(anchor)) return undefined;
  return `${page}: ${link} leads to no heading`;
}

const pages = globSync(["*.md", "docs/**/*.md", "{gateway,kit,protocol,services,schema,infra,test}/*.md"], {
  cwd: root,
});

test("every link of the documentation leads to a file, and to a heading of it", async () => {
  expect(pages).toContain("docs/commit-protocol.md");
  const faults: (string | undefined)[] = [];
  for (const page of pages) {
    const links = proseOf(await readFile(join(root, page), "utf8")).matchAll(/\]\(([^)\s]+)\)/g);
    for (const [, link] of links) faults.push(await faultOf(page, link!));
  }
  expect(faults.filter(Boolean)).toEqual([]);
});

/** A path below one of the project's folders, in prose or in a command; one with a placeholder is none. */
const PATH = /(?<![\w/.:-])(?:gateway|kit|services|protocol|infra|test|schema|docs)\/[\w/.-]*[\w-](?![*{<])/g;

test("every path that the documentation names is that of a file or folder, or begins it", async () => {
  const faults: string[] = [];
  for (const page of pages)
    for (const [path] of (await readFile(join(root, page), "utf8")).matchAll(PATH))
      if (globSync(`${path}*`, { cwd: root }).length === 0) faults.push(`${page}: ${path}`);
  expect(faults).toEqual([]);
});
