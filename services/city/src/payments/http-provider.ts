/**
 * The payment provider of MOBILE_MONEY: a company, or an adapter in front of it, with the HTTP interface of
 * docs/payments.md. Only a definite answer counts. A deadline, a broken connection, a status other than 200
 * or an unknown answer is thrown: nothing is known then, and the message is sent again.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "@teranga/kit/process/retry.ts";
import { clientSpan, inSpan } from "@teranga/kit/process/tracing.ts";
import { Agent, request } from "undici";
import { z } from "zod";
import type { PaymentProvider } from "./payment-provider.ts";

export interface HttpProviderOptions {
  /** The base URL. Each message has a path below it. */
  url: string;
  /** The secret that signs the messages. */
  secret: string;
  clock: Clock;
}

export interface HttpProvider extends PaymentProvider {
  /** Ends the pooled connections. */
  close(): Promise<void>;
}

const CURRENCY = "XOF";
/** An answer is 30 bytes. */
const ANSWER_BYTES_MAX = 10_000;
/** Twice the messages of one recovery step, which must not keep an order from being authorised. */
const CONNECTIONS = 200;
/** A connection that takes longer leaves too little of the 500 ms for an answer. */
const CONNECT_TIMEOUT_MS = 400;
const TIMEOUT_MS = 5_000;

const authoriseAnswer = z.object({ answer: z.enum(["AUTHORISED", "DECLINED", "VIOLATION"]) });
const settleAnswer = z.object({ answer: z.enum(["DONE", "VIOLATION"]) });

export function createHttpProvider({ url, secret, clock }: HttpProviderOptions): HttpProvider {
  const agent = new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    maxResponseSize: ANSWER_BYTES_MAX,
    // Longer than the callers' deadlines, which arrive as signals.
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const base = url.replace(/\/+$/, "");

  const send = async (message: string, body: string, signal?: AbortSignal): Promise<unknown> => {
    const response = await request(`${base}/${message}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "teranga-signature": signatureOf({ message, body }, secret, clock.nowMs()),
      },
      body,
      ...(signal && { signal }),
      dispatcher: agent,
    });
    if (response.statusCode === 200) return response.body.json();
    await response.body.dump();
    throw new Error(`answered with HTTP status ${response.statusCode}`);
  };
  const tell = <Answer>(message: string, body: object, answer: z.ZodType<Answer>, signal?: AbortSignal) =>
    inSpan(`payment ${message}`, clientSpan(`${base}/${message}`, undefined), async () =>
      answer.parse(await send(message, JSON.stringify(body), signal)),
    );
  const settle = (message: string) => async (idempotencyKey: string, signal?: AbortSignal) =>
    (await tell(message, { idempotencyKey }, settleAnswer, signal)).answer;

  return {
    method: "MOBILE_MONEY",
    async authorise({ transactionId: idempotencyKey, amount, phone: payer }, signal) {
      const body = { idempotencyKey, amount, currency: CURRENCY, payer };
      return (await tell("authorise", body, authoriseAnswer, signal)).answer;
    },
    capture: settle("capture"),
    void: settle("void"),
    refund: settle("refund"),
    close: () => agent.destroy(),
  };
}

/**
 * Signs the message's name with the body. Otherwise a void that somebody has seen
 * could be sent again as a capture.
 */
function signatureOf(
  { message, body }: { message: string; body: string },
  secret: string,
  nowMs: number,
): string {
  const seconds = Math.floor(nowMs / 1_000);
  const signature = createHmac("sha256", secret).update(`${seconds}.${message}.${body}`).digest("hex");
  return `t=${seconds},v1=${signature}`;
}
