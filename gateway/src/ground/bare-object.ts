/** Fast objects whose member names clients choose. */
import type { JsonObject } from "./answer.ts";

/**
 * An object that inherits nothing, so `__proto__` and `constructor` are ordinary names. V8 keeps
 * `Object.create(null)` as a hash table, while these have hidden classes: filling one is about three times as
 * fast, and so is writing it as JSON.
 */
class BareObject {}
Object.setPrototypeOf(BareObject.prototype, null);
delete (BareObject.prototype as { constructor?: unknown }).constructor;

export function bareObject(): JsonObject {
  return new BareObject() as JsonObject;
}

/** Whether ordinary objects inherit a member of this name. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}
