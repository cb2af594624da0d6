/**
 * The stock gateway: Apollo Server over `@apollo/gateway`, both with their defaults. `SUPERGRAPH` is the
 * supergraph file, `PORT` the port. It runs on Fastify, which is faster here: 1.7 ms of CPU time for the
 * light query, 2.3 ms with the stand-alone server. For the heavy query both are equal.
 */
import { readFileSync } from "node:fs";
import { ApolloGateway } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import fastifyApollo from "@as-integrations/fastify";
import Fastify from "fastify";

// It would ask the metadata services of five clouds where it runs, and tell Apollo.
process.env.APOLLO_TELEMETRY_DISABLED = "true";
const gateway = new ApolloGateway({ supergraphSdl: readFileSync(process.env.SUPERGRAPH!, "utf8") });
const server = new ApolloServer({ gateway });
await server.start();
const app = Fastify();
await app.register(fastifyApollo(server));
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
