/**
 * Goal: over `rediss://` nothing is sent to a server that cannot show who it is. Method: a real server with a
 * certificate that was just made, which this process trusts or not.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { freePort, redisTarget, startRedis } from "../../test/redis.ts";
import { createLogger } from "../process/log.ts";
import { Registry } from "../process/metrics.ts";
import { RedisLink } from "./redis-link.ts";
import { createRedisMetrics } from "./redis-metrics.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(inject("redisMissing") !== null || !hasOpenssl)("a Redis over TLS", () => {
  it("is used if its certificate is trusted", async () => {
    const { url, certificate } = await aServer();
    trust(certificate);
    const link = await aLink(url);
    expect(await link.ask(["SET", "a", "1"])).toEqual({ kind: "reply", reply: "OK" });
    expect(await link.ask(["GET", "a"])).toEqual({ kind: "reply", reply: "1" });
  });

  it("is not used if its certificate is its own, and the health says why", async () => {
    const { url, commands } = await aServer();
    const before = await commands();
    const link = await aLink(url);
    expect(await link.ask(["SET", "a", "1"])).toEqual({ kind: "away" });
    expect(link.notes()).toEqual(["Redis is not used for the test: DEPTH_ZERO_SELF_SIGNED_CERT"]);
    // Those of `commands` itself.
    expect((await commands()) - before).toBeLessThanOrEqual(2);
  });

  it("is not used if its certificate is of another host", async () => {
    const { url, certificate } = await aServer("DNS:elsewhere.example");
    trust(certificate);
    const link = await aLink(url);
    expect(link.notes()).toEqual(["Redis is not used for the test: ERR_TLS_CERT_ALTNAME_INVALID"]);
  });

  it("is not looked for in plain text, nor the other way round", async () => {
    const { url, plainUrl } = await aServer();
    const [overTls, inPlain] = [
      await aLink(plainUrl.replace("redis:", "rediss:")),
      await aLink(url.replace("rediss:", "redis:")),
    ];
    for (const link of [overTls, inPlain]) expect(link.isOpen).toBe(false);
    expect(overTls.notes()[0]).toMatch(/^Redis is not used for the test: \w/);
    expect(inPlain.notes()[0]).toMatch(/^Redis is not used for the test: \w/);
  });
});

/** A server with a port in plain text and one over TLS. @param name that its certificate is for */
async function aServer(name = "IP:127.0.0.1") {
  const directory = await mkdtemp(join(tmpdir(), "teranga-tls-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [key, file] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  const made = spawnSync("openssl", [
    ..."req -x509 -nodes -days 1 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=redis".split(" "),
    ...["-addext", `subjectAltName=${name}`, "-keyout", key, "-out", file],
  ]);
  expect(made.status, String(made.stderr)).toBe(0);
  const port = await freePort();
  const redis = await startRedis(
    ["tls-port", `${port}`],
    ["tls-cert-file", file],
    ["tls-key-file", key],
    ["tls-ca-cert-file", file],
    ["tls-auth-clients", "no"],
  );
  onTestFinished(redis.stop);
  const commands = async () =>
    Number(/total_commands_processed:(\d+)/.exec(await redis.command<string>("INFO", "stats"))![1]);
  const certificate = await readFile(file, "utf8");
  return { url: `rediss://127.0.0.1:${port}`, plainUrl: redis.url, certificate, commands };
}

/** As NODE_EXTRA_CA_CERTS does. */
function trust(certificate: string): void {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, certificate]);
  onTestFinished(() => setDefaultCACertificates(before));
}

async function aLink(url: string): Promise<RedisLink> {
  const metrics = createRedisMetrics(new Registry());
  const log = createLogger("test", "silent");
  const link = new RedisLink({ target: redisTarget(url), purpose: "test", metrics, log, answerMs: 2_000 });
  onTestFinished(() => link.close());
  await link.start();
  return link;
}
