/**
 * One city's service of baseline (b): the same program with classic two-phase commit, configured as
 * services/city/src/main.ts is. Its worker ends transactions that an orchestrator has left prepared, because
 * each of them blocks its rows for all others.
 */

import { randomUUID } from "node:crypto";
import { cityVariables } from "@teranga/city/config.ts";
import { startCity } from "@teranga/city/service.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { startWorker } from "@teranga/kit/process/worker.ts";
import { loadTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { cityClock } from "@teranga/protocol/city/city-clock.ts";
import { createRecoveryMessages } from "@teranga/protocol/city/recovery-messages.ts";
import { homeOf } from "@teranga/protocol/messages.ts";
import { openClassicProtocol } from "./classic-protocol.ts";
import { listOverdue } from "./prepared-transactions.ts";

/** Later than any decision of the orchestrator, which allows each message one second. */
const OVERDUE_MS = 3_000;
const LOOK_EVERY_MS = 250;

const usage = {
  command: "node test/bench/classic/classic-city.ts",
  about: "One city of the benchmark of classic two-phase commit; bench:orders starts it.",
  variables: cityVariables,
};

await runMain(usage, async () => {
  const config = readConfig(cityVariables, process.env);
  const log = createLogger(`classic-${config.CITY}`, config.LOG_LEVEL);
  const topology = await loadTopology(config.TOPOLOGY);
  const protocol = await openClassicProtocol(config.DATABASE_URL);
  const service = await startCity({
    cityId: config.CITY,
    databaseUrl: config.DATABASE_URL,
    topology,
    credential: config.SERVICE_CREDENTIAL,
    port: config.PORT,
    log,
    protocol: () => protocol,
  });
  const transport = createTransport({ credential: config.SERVICE_CREDENTIAL, isService: true });
  const messages = createRecoveryMessages(partitionsOf(topology, "city"), {
    instances: new Instances({ send: transport.send, log }),
    newId: randomUUID,
  });

  /** Asks the homes of overdue transactions for the decision, and applies it. */
  const finishOverdue = async () => {
    const overdue = await listOverdue(protocol.sql, OVERDUE_MS);
    for (const [home, ids] of Map.groupBy(overdue, homeOf)) {
      const questions = ids.map((transactionId) => ({ transactionId, cityId: config.CITY }));
      const outcomes = await messages.outcome(home, questions);
      const known = outcomes.flatMap((outcome) =>
        outcome.state === "COMMITTED" || outcome.state === "ABORTED"
          ? [{ ...outcome, kind: "ORDER" as const, decision: outcome.state }]
          : [],
      );
      await protocol.decide(known, cityClock);
      log.warn({ transactions: known.length }, "finished transactions that were left prepared");
    }
    return false;
  };
  const worker = startWorker({ name: "overdue", intervalMs: LOOK_EVERY_MS, step: finishOverdue, log });
  const steps = [
    { name: "the service", close: service.close },
    { name: "the worker", close: worker.stop },
    { name: "the connections", close: transport.close },
    { name: "the protocol", close: protocol.close },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: service.url }, "ready");
});
