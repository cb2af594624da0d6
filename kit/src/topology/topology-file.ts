/** The shape of a topology file. What its parts have to do with one another is checked in topology.ts. */
import { z } from "zod";

const httpUrl = z.url({ protocol: /^https?$/, error: "is not an http or https URL" });
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, "may have lower-case letters, digits and hyphens only");

/** User and password are those of the service's DATABASE_URL: this file holds no secret. */
const databaseUrl = z
  .url({ protocol: /^postgres(ql)?$/, error: "is not a postgres URL" })
  .refine((url) => !/\/\/[^/]*@/.test(url), { error: "must have neither user nor password" });

const databaseFile = z.strictObject({
  replicas: z
    .record(name, databaseUrl)
    .refine((replicas) => Object.keys(replicas).length > 0, { error: "there is none" }),
  synchronous: z.boolean().default(false),
});

const partitionFile = z.strictObject({
  database: databaseFile.optional(),
  name: z.string().min(1),
  towns: z.array(z.string().min(1)).default([]),
  default: z.boolean().default(false),
  location: z.strictObject({
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
  }),
  urls: z.array(httpUrl).min(1),
});

const subgraphFile = z.strictObject({
  database: databaseFile.optional(),
  schema: z.strictObject({ file: z.string() }).optional(),
  replicas: z.array(httpUrl).min(1).optional(),
  nodes: z
    .record(name, z.strictObject({ url: httpUrl, database: databaseUrl }))
    .refine((nodes) => Object.keys(nodes).length > 0, { error: "there is none" })
    .optional(),
  partitions: z.record(name, partitionFile).optional(),
});

export const topologyFile = z.strictObject({
  federation_version: z.string().optional(),
  // An emptied file is a mistake, not an empty graph.
  subgraphs: z
    .record(name, subgraphFile)
    .refine((subgraphs) => Object.keys(subgraphs).length > 0, { error: "there is none" }),
});

export type PartitionEntry = z.infer<typeof partitionFile>;
export type SubgraphEntry = z.infer<typeof subgraphFile>;
