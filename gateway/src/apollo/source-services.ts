/** Our sources as the data sources of `@apollo/gateway`. */
import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from "@apollo/gateway";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { operationsBytesMax } from "../ground/kept-bytes.ts";
import type { Limits } from "../ground/limits.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { PreparedFetch, Source } from "../sources/source.ts";

/** A thousand operations of clients, as our own engine keeps, have a few fetches each. */
const FETCHES_MAX = 4_000;

export class SourceServices {
  readonly #sources: ReadonlyMap<string, Source>;
  /** By subgraph and text. */
  readonly #prepared: BoundedCache<PreparedFetch>;

  constructor(sources: ReadonlyMap<string, Source>, limits: Pick<Limits, "tokensMax">) {
    this.#sources = sources;
    this.#prepared = new BoundedCache({
      entriesMax: FETCHES_MAX,
      weightMax: operationsBytesMax(limits),
      weigh: (key, { weight }) => key.length + weight,
    });
  }

  of(subgraph: string): GraphQLDataSource {
    return { process: (options) => this.#ask(subgraph, options) };
  }

  async #ask(subgraph: string, { request, context }: GraphQLDataSourceProcessOptions) {
    const { query = "", operationName, variables = {} } = request;
    // The library's own name for the fetch: `query Orders__city__0($id:ID!){…}`.
    const text = operationName === undefined ? query : query.replace(` ${operationName}`, "");
    const prepare = () => this.#sources.get(subgraph)!.prepare(text);
    const prepared = this.#prepared.get(`${subgraph} ${text}`, prepare);
    const { data, errors } = await prepared.send(variables, context as RunContext, operationName);
    return { data, ...(errors.length > 0 && { errors }) };
  }
}
