/**
 * Keeps the shapes of one graph. A shape is generated code, and a few lines of a query can need a great deal
 * of it.
 */
import { BoundedCache } from "../../ground/bounded-cache.ts";
import type { Complete } from "./object-builder.ts";
import type { ShapeCompiler } from "./shape.ts";

/** The bytes that a member of a compiled object keeps, measured: 160,000 members kept 30 MB. */
export const MEMBER_BYTES = 200;
const SHAPES_MAX = 4_000;
/**
 * A quarter is for new entries (bounded-cache.ts). That is 80,000 members: the 5,000 fields that an operation
 * may have, on 16 types each.
 */
const BYTES_MAX = 64 * 1024 * 1024;

interface KeptShape {
  compiler: ShapeCompiler;
  shape: Complete;
}

export class ShapeCache {
  readonly #shapes = new BoundedCache<KeptShape>({
    entriesMax: SHAPES_MAX,
    weightMax: BYTES_MAX,
    weigh: (key, { compiler }) => key.length + compiler.memberCount * MEMBER_BYTES,
  });
  #selections = 0;

  /** A new key prefix, unique to one selection. */
  newSelection(): string {
    return String(this.#selections++);
  }

  /** @param compile makes the shape if it is not kept */
  get(key: string, compile: () => KeptShape): Complete {
    return this.#shapes.get(key, () => this.#weighing(key, compile())).shape;
  }

  /** Updates the weight of a shape: it grows in use, because each type is compiled when it first occurs. */
  #weighing(key: string, { compiler, shape }: KeptShape): KeptShape {
    let weighed = compiler.memberCount;
    const kept: KeptShape = {
      compiler,
      shape: (value, run) => {
        const completed = shape(value, run);
        if (compiler.memberCount !== weighed) {
          weighed = compiler.memberCount;
          this.#shapes.put(key, kept);
        }
        return completed;
      },
    };
    return kept;
  }
}
