/**
 * What nodes of the catalog were told to be written: each edit must be in the log of every node at the end,
 * or have left it when all had it.
 */
import type { CatalogNodes } from "./catalog-nodes.ts";

export class AcknowledgedEdits {
  readonly #nodes: CatalogNodes;
  readonly #compacting: string[] = [];
  /** Operations, as `node:sequence`. */
  readonly #edits = new Set<string>();

  constructor(nodes: CatalogNodes) {
    this.#nodes = nodes;
  }

  get count(): number {
    return this.#edits.size;
  }

  /** Changes a product, and remembers the operation that this has become. */
  async edit(node: string, id: string, price: number): Promise<void> {
    const sequence = await this.#nodes.sql(node).begin(async (begun) => {
      await begun`update product set price = ${price} where id = ${id}`;
      const [row] = await begun<{ sequence: string }[]>`
        select seen ->> ${node} as sequence from entity_state where entity = 'Product' and id = ${id}`;
      return row!.sequence;
    });
    this.#edits.add(`${node}:${sequence}`);
  }

  /** Compacts the log of a node from now on, and remembers what leaves it. */
  async compact(node: string, kept: number): Promise<void> {
    await this.#nodes.sql(node).unsafe(`
      create table left_operation (name text);
      create function note_leaving() returns trigger language plpgsql as $$
        begin insert into public.left_operation values (old.node || ':' || old.sequence); return null; end $$;
      create trigger leaves after delete on operation for each row execute function note_leaving()`);
    this.#compacting.push(node);
    this.#nodes.startCompaction(node, kept);
  }

  /** How many operations have left the logs. */
  async countLeft(): Promise<number> {
    return (await this.#left()).size;
  }

  /** Acknowledged edits that a node has neither in its log nor has let go, as `node: operation`. */
  async missing(): Promise<string[]> {
    const left = await this.#left();
    const missing: string[] = [];
    for (const { name: node, sql } of this.#nodes.nodes.values()) {
      const rows = await sql<{ name: string }[]>`select node || ':' || sequence as name from operation`;
      const there = new Set(rows.map(({ name }) => name));
      for (const edit of this.#edits)
        if (!there.has(edit) && !left.has(edit)) missing.push(`${node}: ${edit}`);
    }
    return missing;
  }

  async #left(): Promise<Set<string>> {
    const left = new Set<string>();
    for (const node of this.#compacting) {
      const rows = await this.#nodes.sql(node)<{ name: string }[]>`select name from left_operation`;
      for (const { name } of rows) left.add(name);
    }
    return left;
  }
}
