/** Which subgraphs may have brought a field's value. */
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
   * Undefined if that is not known: of an interface, and of what a subgraph tells that has an interface as an
   * object.
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
    // One that is external there may be what another field provides.
    const own = directivesOf(field, "join__field");
    const joins = own.length > 0 ? own : directivesOf(type, "join__type");
    const graphs = joins.map((join) => argumentsOf(join).graph);
    const names = graphs.map((graph) => this.#supergraph.subgraphs.get(String(graph))?.name);
    return names.every((each) => each !== undefined) ? new Set(names) : undefined;
  }
}
