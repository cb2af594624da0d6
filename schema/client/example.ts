/**
 * A small client of a running gateway, typed from the schema. It looks at the shop window, then Awa Diop of
 * Thiès orders six computers, more than her city alone may have.
 *
 *     npm run example          on this machine, at GATEWAY_PORT (4000 if not set)
 *     npm run example -- URL   anywhere
 */
import { randomUUID } from "node:crypto";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import type { PlaceOrderMutation, ShopWindowQuery } from "../generated/client/graphql.ts";
import { Cities, PlaceOrder, ShopWindow } from "./documents.ts";
import { type Answer, execute, NoAnswerError } from "./execute.ts";
import { withSession } from "./session.ts";

const PORT_DEFAULT = "4000";

/**
 * Runs the example.
 * @param idempotencyKey the key of the order; the same key again gives the same order
 */
export async function runExample(
  url: string,
  idempotencyKey: string,
  say: (line: string) => void,
): Promise<void> {
  const gateway = { url, fetch: withSession(fetch) };
  const cities = dataOf(await execute(gateway, Cities), say);
  say(`Cities: ${cities.cities.map((city) => city?.name ?? "(one does not answer)").join(", ")}`);

  const shop = dataOf(await execute(gateway, ShopWindow, { first: 5, filter: { discontinued: false } }), say);
  for (const line of describeShop(shop)) say(line);

  const input = { clientId: "thies:2", lines: [{ productId: "101", quantity: 6 }], idempotencyKey };
  const order = dataOf(await execute(gateway, PlaceOrder, { input }), say);
  for (const line of describeOutcome(order.placeOrder)) say(line);
}

/** The data of an answer. Prints the errors; they end the program only if there is no data. */
function dataOf<Data>({ data, errors }: Answer<Data>, say: (line: string) => void): Data {
  for (const { message, extensions } of errors) say(`! ${extensions?.code ?? "error"}: ${message}`);
  if (!data) throw new NoAnswerError("The gateway answered with errors alone.");
  return data;
}

function describeShop({ products }: ShopWindowQuery): string[] {
  const lines = products.edges.map(({ node: { id, name, price, currency, availability } }) => {
    const missing = availability.complete ? "" : ` (without ${availability.missingCities.join(", ")})`;
    return `  ${id}  ${name}: ${price.toLocaleString("fr-SN")} ${currency}, ${availability.total} available${missing}`;
  });
  return [`The first ${lines.length} of ${products.totalCount} products:`, ...lines];
}

function describeOutcome(outcome: PlaceOrderMutation["placeOrder"]): string[] {
  if (!outcome) return ["Not placed; the error above says why."];
  switch (outcome.__typename) {
    case "OrderPlaced": {
      if (!outcome.order)
        return [`Placed by ${outcome.transaction?.id}, but its city does not answer any more.`];
      const { id, total, currency, allocations } = outcome.order;
      const given = allocations.map(
        ({ city, quantity }) => `  ${quantity} from ${city?.name ?? "a city that does not answer"}`,
      );
      return [`Order ${id} over ${total.toLocaleString("fr-SN")} ${currency}:`, ...given];
    }
    case "OutOfStock": {
      const shortages = outcome.shortages.map(({ product, requested, available }) => {
        return `  ${product?.name ?? "a product"}: ${requested} wanted, ${available} available`;
      });
      return [outcome.message, ...shortages];
    }
    case "OutcomeUnknown":
      return [outcome.message, `  To try again safely: idempotency key ${outcome.idempotencyKey}`];
    case "UnknownClient":
    case "UnknownProducts":
    case "DiscontinuedProducts":
    case "PriceChanged":
    case "SplitLimitExceeded":
    case "PaymentDeclined":
    case "IdempotencyKeyReused":
      return [outcome.message];
    default:
      return outcome satisfies never;
  }
}

/**
 * Where the gateway is, by the command line and the environment.
 * @throws StartupError with one line
 */
function endpointOf([url, ...rest]: readonly string[], env: NodeJS.ProcessEnv): string {
  if (rest.length > 0) throw new StartupError("There is one argument, the gateway's URL.");
  if (url !== undefined) {
    if (/^https?:/i.test(url) && URL.canParse(url)) return url;
    throw new StartupError(`"${url}" is not a URL; http://127.0.0.1:${PORT_DEFAULT}/graphql is one.`);
  }
  const port = env.GATEWAY_PORT || PORT_DEFAULT;
  if (port === "0")
    throw new StartupError("GATEWAY_PORT is 0, any free port: give the URL (npm run example -- URL).");
  const endpoint = `http://127.0.0.1:${port}/graphql`;
  if (/^\d+$/.test(port) && URL.canParse(endpoint)) return endpoint;
  throw new StartupError(`GATEWAY_PORT: "${port}" is not a port.`);
}

/** The message about a gateway that does not answer. */
function describeSilence(url: string, error: NoAnswerError): string {
  // `fetch` wraps the system's error.
  const { cause } = (error.cause ?? {}) as { cause?: { code?: string } };
  const message = cause?.code === "ECONNREFUSED" ? `Nothing listens at ${url}.` : error.message;
  return `${message} Is a gateway running there? (npm start)`;
}

const usage = {
  command: "npm run example",
  about: "Looks at the shop window of a running gateway, and places an order.",
  options: {
    URL: `The gateway's; on this machine at GATEWAY_PORT (${PORT_DEFAULT} if not set) by default.`,
  },
};

async function main(): Promise<void> {
  const url = endpointOf(process.argv.slice(2), process.env);
  try {
    await runExample(url, randomUUID(), console.log);
  } catch (error) {
    if (error instanceof NoAnswerError) throw new StartupError(describeSilence(url, error));
    throw error;
  }
}

if (import.meta.main) await runMain(usage, main);
