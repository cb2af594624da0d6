/** Writes the generated parts of docs/benchmark-results.md; the text around them is written by hand. */
import { readFile, writeFile } from "node:fs/promises";

const PAGE = new URL("../../docs/benchmark-results.md", import.meta.url);

export async function writeGenerated(name: string, text: string): Promise<void> {
  await writeFile(PAGE, replaceGenerated(await readFile(PAGE, "utf8"), name, text));
}

/**
 * Replaces the text between `<!-- name -->` and `<!-- end of name -->`.
 * @throws Error if the page has no such place
 */
export function replaceGenerated(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/benchmark-results.md has no place "${begin}" … "${end}"`);
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}
