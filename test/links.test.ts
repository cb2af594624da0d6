/** Goal: the links of the documentation lead to files and headings that exist. Method: all pages are read. */
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

test("every link of the documentation leads to a file, and to a heading of it", async () => {
  const pages = globSync(["*.md", "docs/**/*.md", "{gateway,kit,protocol,services,schema,infra,test}/*.md"], {
    cwd: root,
  });
  expect(pages).toContain("docs/commit-protocol.md");
  const faults: (string | undefined)[] = [];
  for (const page of pages) {
    const links = proseOf(await readFile(join(root, page), "utf8")).matchAll(/\]\(([^)\s]+)\)/g);
    for (const [, link] of links) faults.push(await faultOf(page, link!));
  }
  expect(faults.filter(Boolean)).toEqual([]);
});
