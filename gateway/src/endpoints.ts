/** The instances that can answer for one placement: the nearest healthy one is asked, the next one if it fails. */
import type { Send, SubgraphRequest, SubgraphResponse } from "@teranga/kit/transport.ts";
import { TransportError } from "@teranga/kit/transport.ts";

/** An instance that failed comes last for so long; then it is tried in its turn again. */
const COOLDOWN_MS = 2_000;

export interface EndpointsOptions {
  /** Nearest first; at least one. */
  urls: readonly string[];
  send: Send;
  /** How long all tries together may take. */
  deadlineMs: number;
  nowMs: () => number;
}

/** @throws TransportError of the last instance that was tried */
export type AskEndpoints = (
  request: SubgraphRequest,
  options: { mayRepeat: boolean; headers: Record<string, string> },
) => Promise<SubgraphResponse>;

/** A request that may not be repeated goes to a second instance only if the first one certainly has not acted on it. */
export function createEndpoints({ urls, send, deadlineMs, nowMs }: EndpointsOptions): AskEndpoints {
  const failedAtMs = new Map<string, number>();
  const isHealthy = (url: string) =>
    nowMs() - (failedAtMs.get(url) ?? Number.NEGATIVE_INFINITY) >= COOLDOWN_MS;

  return async (request, { mayRepeat, headers }) => {
    const startMs = nowMs();
    const inOrder = [...urls.filter(isHealthy), ...urls.filter((url) => !isHealthy(url))];
    let failure = new TransportError("refused", "no instance is configured");
    for (const url of inOrder) {
      const leftMs = deadlineMs - (nowMs() - startMs);
      if (leftMs < 1) break;
      try {
        const answer = await send(url, request, { deadlineMs: Math.ceil(leftMs), headers });
        failedAtMs.delete(url);
        return answer;
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        failedAtMs.set(url, nowMs());
        failure = error;
        if (error.effect === "unknown" && !mayRepeat) break;
      }
    }
    throw failure;
  };
}
