/** The places of a topology: its databases, as callers know them (read-headers.ts). */
import type { Placement, ReplicatedDatabase } from "../topology/topology.ts";
import { placeName } from "./read-headers.ts";

export interface Place {
  name: string;
  /** The endpoints of the services over this database. */
  urls: readonly string[];
  /** Undefined if the database has no replicas. */
  database?: ReplicatedDatabase | undefined;
  /** Whether the subgraph has other databases with the same rows. */
  isNode: boolean;
}

export function placesOf(placement: Placement): Place[] {
  const { kind, subgraph } = placement;
  switch (kind) {
    case "replicas": {
      const { nodes, urls, database } = placement;
      if (!nodes) return [{ name: placeName(subgraph), urls, database, isNode: false }];
      return nodes.map(({ name, url }) => ({ name: placeName(subgraph, name), urls: [url], isNode: true }));
    }
    case "partitions":
      return placement.partitions.map(({ id, urls, database }) => {
        return { name: placeName(subgraph, id), urls, database, isNode: false };
      });
    default:
      return kind satisfies never;
  }
}
