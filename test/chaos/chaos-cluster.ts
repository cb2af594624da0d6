/** A cluster for chaos: two orchestrators, and a proxy between every service or database and its callers. */
import { type ServiceProxy, startProxy } from "../harness/proxy.ts";
import { startTemporaryCluster, type TemporaryCluster } from "../harness/temporary-cluster.ts";

export interface ChaosCluster extends TemporaryCluster {
  /** By process name. */
  wires: ReadonlyMap<string, ServiceProxy>;
}

/** At level info the services would log more than they store. */
const LOG_LEVEL = "warn";

export async function startChaosCluster(): Promise<ChaosCluster> {
  const wires = new Map<string, ServiceProxy>();
  const wire = async (name: string, port: number) => {
    const proxy = await startProxy(port);
    wires.set(name, proxy);
    return proxy.port;
  };
  const cluster = await startTemporaryCluster({ logLevel: LOG_LEVEL, orchestrators: 2, wire });
  return {
    ...cluster,
    wires,
    async close(options) {
      await cluster.close(options);
      await Promise.all([...wires.values()].map((each) => each.close()));
    },
  };
}
