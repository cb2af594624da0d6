/** Tells which subgraphs may have supplied the value of a field. */
import { isObjectType } from "graphql";
import { fieldOf } from "../ground/stand-ins.ts";
import { argumentsOf, directivesOf, type Supergraph } from "../ground/supergraph.ts";

export class FieldSuppliers {
  readonly #supergraph: Supergraph;
  readonly #known = new Map<string, ReadonlySet<string> | undefined>();

  constructor(supergraph: Supergraph) {
    this.#supergraph = supergraph;
  }

  /**
   * Undefined if the supplier is not known: for an interface, and for a field of a subgraph that has an
   * interface object.
   */
  of(typeName: string, fieldName: string): ReadonlySet<string> | undefined {
    const name = `${typeName}.${fieldName}`;
    if (!this.#known.has(name)) this.#known.set(name, this.#read(typeName, fieldName));
    return this.#known.get(name);
  }

  #read(typeName: string, fieldName: string): ReadonlySet<string> | undefined {
    const type = this.#supergraph.schema.getType(typeName);
    const field = isObjectType(type) ? fieldOf(type, fieldName) : undefined;
    if (!type || !field) return undefined;
    // A field that is external in a subgraph may be supplied by another field's @provides.
    const own = directivesOf(field, "join__field");
    const joins = own.length > 0 ? own : directivesOf(type, "join__type");
    const graphs = joins.map((join) => argumentsOf(join).graph);
    const names = graphs.map((graph) => this.#supergraph.subgraphs.get(String(graph))?.name);
    return names.every((each) => each !== undefined) ? new Set(names) : undefined;
  }
}
