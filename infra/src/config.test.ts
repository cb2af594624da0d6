/**
 * Goal: an error about a wrong variable says its name and what is wrong, and never a secret. Method: wrong
 * environments.
 */
import { databaseUrlVariable, readConfig, serviceVariables } from "@teranga/kit/process/config.ts";
import { expect, test } from "vitest";
import { z } from "zod";
import { readClusterConfig } from "./config.ts";

test.each(["abc", "65536", "-1", "4e3", "0x10", "4000.0", " 4000", "+1", "٤"])("%j is no port", (port) => {
  expect(() => readClusterConfig({ GATEWAY_PORT: port })).toThrow(
    `Configuration: GATEWAY_PORT: "${port}" is not a port (0 to 65535)`,
  );
});

test.each([
  ["0", 0],
  ["65535", 65_535],
  ["", 4_000],
])("%j as a port is %j", (text, port) => {
  expect(readClusterConfig({ GATEWAY_PORT: text }).ports.GATEWAY_PORT).toBe(port);
});

test("a port for a city that is none is refused by name", () => {
  expect(() => readClusterConfig({ CITY_PORT_MBOUR: "4010", CITY_PORT_THIES: "4011" })).toThrow(
    /^Configuration: CITY_PORT_MBOUR: there is no such city; there is only CITY_PORT_DAKAR, /,
  );
});

test.each([
  ["Dakar", '"Dakar" is not a name (dakar,thies), or none'],
  ["dakar,", '"" is not a name (dakar,thies), or none'],
  ["dakar,none", '"none" is not a name (dakar,thies), or none'],
  ["da_kar", '"da_kar" is not a name (dakar,thies), or none'],
  ["dakar,thies,dakar", "names a node twice"],
  ["a,b,c,d,e,f,g,h,i", "names more than 8 nodes"],
])("%j are no nodes of the catalog", (nodes, message) => {
  expect(() => readClusterConfig({ CATALOG_NODES: nodes })).toThrow(
    `Configuration: CATALOG_NODES: ${message}`,
  );
});

test.each([
  ["none", []],
  ["", ["dakar", "thies"]],
  [" thies , dakar ", ["thies", "dakar"]],
])("%j as nodes of the catalog are %j", (text, nodes) => {
  expect(readClusterConfig({ CATALOG_NODES: text }).catalogNodes).toEqual(nodes);
});

test.each([
  "postgresfoo",
  "postgres",
  "postgres://",
  "postgres://host",
  "postgresql://host/",
  "https://host/db",
])("%j is no database, and is not repeated", (url) => {
  const read = () => readConfig(z.object({ DATABASE_URL: databaseUrlVariable }), { DATABASE_URL: url });
  expect(read).toThrow(
    /^Configuration: DATABASE_URL: is not a URL such as postgres:\/\/user:password@host:5432\/name$/,
  );
});

test.each(["postgres://u:p@host:5432/shop", "postgresql://host/shop?sslmode=require"])("%j is one", (url) => {
  expect(readConfig(z.object({ DATABASE_URL: databaseUrlVariable }), { DATABASE_URL: url })).toEqual({
    DATABASE_URL: url,
  });
});

test("a value of many lines is told in one, with every other that is wrong", () => {
  const env = { GATEWAY_PORT: "40\n00", LOG_LEVEL: "loud" };
  expect(() => readClusterConfig(env)).toThrow(
    /^Configuration: GATEWAY_PORT: "40\\n00" is not a port \(0 to 65535\); LOG_LEVEL: "loud" is not a level \(fatal, error, warn, info, debug, trace, silent\)$/,
  );
});

test("a secret that is wrong is not repeated", () => {
  const env = { PORT: "0", TOPOLOGY: "topology.yaml", SERVICE_CREDENTIAL: "hunter2" };
  expect(() => readConfig(z.object(serviceVariables), env)).toThrow(
    /^Configuration: SERVICE_CREDENTIAL: needs 16 characters or more$/,
  );
});

test("what is missing is said to be missing", () => {
  expect(() => readConfig(z.object(serviceVariables), {})).toThrow(
    /^Configuration: PORT is not set; SERVICE_CREDENTIAL is not set; TOPOLOGY is not set$/,
  );
});
