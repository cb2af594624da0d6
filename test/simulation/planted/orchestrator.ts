/** Planted bugs: what the orders service decides, and how its messages travel. */
import type { PlantedBug } from "../../harness/planted-bug.ts";

const TRANSACTION = "protocol/src/orchestrator/transaction.ts";
const PLACE_ORDER = "services/orders/src/order/place-order.ts";
const TRANSFER = "services/orders/src/transfer/transfer-stock.ts";
const LANE = "protocol/src/orchestrator/message-lane.ts";
const ASK = "kit/src/instances/ask.ts";
const CANCEL = "services/orders/src/cancellation/cancel-order.ts";
const SPLIT = "services/orders/src/order/split-limit.ts";

export const IN_ORCHESTRATOR: readonly PlantedBug[] = [
  {
    // The participants are told COMMITTED as soon as all have prepared, before the home has decided.
    name: "decide-before-commit",
    edits: [
      {
        file: TRANSACTION,
        find: '  if (votes.every(({ answer }) => answer.state === "PREPARED")) {\n',
        replace: `  if (votes.every(({ answer }) => answer.state === "PREPARED")) {
    const [transactionId, kind] = [idOf(transaction), transaction.message.kind];
    for (const [cityId, lines] of transaction.participants)
      means.messages.decide(cityId, { transactionId, kind, decision: "COMMITTED", lines }, 1_000).catch(() => {});
`,
      },
    ],
  },
  {
    // No answer to a commit is taken for a no.
    name: "abort-on-lost-answer",
    edits: [
      {
        file: TRANSACTION,
        find: "if (sends >= COMMIT_SENDS_MAX) return",
        replace:
          'return ended(aborted(transaction, { kind: "home-unreachable" }));\n    if (sends >= COMMIT_SENDS_MAX) return',
      },
    ],
  },
  {
    // The orchestrator takes a home that answers neither commit nor outcome for one that has not committed.
    name: "abort-on-silent-home",
    edits: [
      { file: TRANSACTION, find: "  if (!commitMayHaveArrived) return aborted", replace: "  return aborted" },
    ],
  },
  {
    // A further try of an order goes under the id of the first one.
    name: "same-transaction-id",
    edits: [
      {
        file: PLACE_ORDER,
        find: `    transactionId: \`\${homeId}:\${context.newId()}\`,
    clientId,`,
        replace: `    transactionId: ((request as { id?: string }).id ??= \`\${homeId}:\${context.newId()}\`),
    clientId,`,
      },
    ],
  },
  {
    // One yes is enough.
    name: "commit-before-all-votes",
    edits: [
      {
        file: TRANSACTION,
        find: 'if (votes.every(({ answer }) => answer.state === "PREPARED"))',
        replace: 'if (votes.some(({ answer }) => answer.state === "PREPARED"))',
      },
    ],
  },
  {
    // The giving city is not asked whether it has what the receiving one takes.
    name: "transfer-without-prepare",
    edits: [
      {
        file: TRANSFER,
        find: "participants: new Map([[fromCityId, [{ productId, quantity }]]]),",
        replace: "participants: new Map(),",
      },
    ],
  },
  {
    // After a refusal the stock is not read again.
    name: "last-look-lost",
    edits: [
      {
        file: PLACE_ORDER,
        find: `    stock = await readStock(homeId, productIdsOf(lines), context);
`,
        replace: "",
      },
    ],
  },
  {
    // An order that is given up is not looked up once more under its key.
    name: "key-not-looked-up-at-last",
    edits: [
      {
        file: PLACE_ORDER,
        find: "idempotencyKey === null ? null : await readKeyedOrder(request, idempotencyKey, answerByMs, context);",
        replace: "null;",
      },
    ],
  },
  {
    // Any order of the key is told to be the one that was asked for.
    name: "key-of-another-request",
    edits: [
      {
        file: PLACE_ORDER,
        find: "return requestHash === hash ? orderPlaced(transactionId)",
        replace: "return true ? orderPlaced(transactionId)",
      },
    ],
  },
  {
    // An order that somebody else has cancelled is told to be cancelled by this call.
    name: "already-cancelled-is-cancelled",
    edits: [
      {
        file: CANCEL,
        find: `    case "replayed":
`,
        replace: `    case "replayed":
    case "already-cancelled":
`,
      },
    ],
  },
  {
    // That the last commit was refused unread is taken for all of them.
    name: "only-the-last-send-counts",
    edits: [
      {
        file: TRANSACTION,
        find: "const arrived = current.mayHaveArrived || mayHaveArrived(error);",
        replace: "const arrived = mayHaveArrived(error);",
      },
    ],
  },
  {
    // One instance of a city that refuses speaks for the one that did not answer.
    name: "one-refusal-is-enough",
    edits: [
      {
        file: ASK,
        find: 'failures.every((failure) => failure.effect === "refused")',
        replace: 'failures.some((failure) => failure.effect === "refused")',
      },
    ],
  },
  {
    // A message that was sent and not answered in time counts as never sent.
    name: "late-is-refused",
    edits: [
      {
        file: LANE,
        find: 'settle(new TransportError("unknown", "was not answered in time"));',
        replace: 'settle(new TransportError("refused", "was not answered in time"));',
      },
    ],
  },
  {
    // The last message of a batch is taken from the lane and not sent.
    name: "lane-forgets-one",
    edits: [
      {
        file: LANE,
        find: "const passengers = this.#waiting.splice(0, this.#batchLength());",
        replace: `const taken = this.#waiting.splice(0, this.#batchLength());
    const passengers = taken.slice(0, Math.max(1, taken.length - 1));`,
      },
    ],
  },
  {
    // An order is of as many cities as it takes.
    name: "split-limit-ignored",
    edits: [
      {
        file: SPLIT,
        find: "if (splits <= maxSplits) return unlimited;",
        replace: "return unlimited;",
      },
    ],
  },
  {
    // Participants that have prepared hear nothing of a transaction that another one has refused.
    name: "refused-and-not-told",
    edits: [
      {
        file: TRANSACTION,
        find: "const release = holding.map(({ cityId }) => cityId);",
        replace: "const release = holding.slice(1).map(({ cityId }) => cityId);",
      },
    ],
  },
  {
    // The commit records other prices than the client was asked for.
    name: "sold-too-dear",
    edits: [
      {
        file: PLACE_ORDER,
        find: "    lines,\n    allocations,\n    paymentMethod: payment,",
        replace:
          "    lines: lines.map((line) => ({ ...line, unitPrice: line.unitPrice + 1 })),\n    allocations,\n    paymentMethod: payment,",
      },
    ],
  },
  {
    // The client is told of a balance that the wallet did not have.
    name: "balance-made-up",
    edits: [
      {
        file: PLACE_ORDER,
        find: "return paymentDeclined(request, total, result);",
        replace: "return paymentDeclined(request, total, { ...result, balance: Math.max(0, total - 1) });",
      },
    ],
  },
];
