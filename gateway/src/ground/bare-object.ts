/** Objects whose names clients choose, for the paths that must be fast. */
import type { JsonObject } from "./answer.ts";

/**
 * An object that inherits nothing: `__proto__` and `constructor` are names like any other. Unlike `Object.create(null)`, which V8
 * keeps as a hash table, these have hidden classes: filling one is about three times as fast, and so is writing it as JSON.
 */
class BareObject {}
Object.setPrototypeOf(BareObject.prototype, null);
delete (BareObject.prototype as { constructor?: unknown }).constructor;

export function bareObject(): JsonObject {
  return new BareObject() as JsonObject;
}

/** Whether ordinary objects have a member of this name that nobody gave them. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}
