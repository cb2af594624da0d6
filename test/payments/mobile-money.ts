/**
 * Mobile money as a way of paying: all that the shop needs to add a provider is this file. It speaks to the company's HTTP interface
 * (here mobile-money-company.ts), whose payments are named by our transaction ids, so that every message can be sent again.
 */
import type { PaymentProvider } from "@teranga/city/payments/payment-provider.ts";

export function createMobileMoney(companyUrl: string, deadlineMs: number): PaymentProvider {
  /** @throws Error if the company gives no definite answer */
  const tell = async <Answer>(transactionId: string, message: string, body: object = {}): Promise<Answer> => {
    const response = await fetch(`${companyUrl}/payments/${encodeURIComponent(transactionId)}/${message}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (!response.ok) throw new Error(`mobile money answered ${response.status}`);
    const { answer } = (await response.json()) as { answer: Answer };
    return answer;
  };
  return {
    method: "MOBILE_MONEY",
    authorise: ({ transactionId, clientId, amount }) =>
      tell(transactionId, "authorise", { clientId, amount }),
    capture: (transactionId) => tell(transactionId, "capture"),
    void: (transactionId) => tell(transactionId, "void"),
    refund: (transactionId) => tell(transactionId, "refund"),
  };
}
