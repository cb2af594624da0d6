/**
 * The gateways that are compared, on the same supergraph and subgraphs. All are checked to give the same
 * answers.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { freePort } from "@teranga/infra/ports.ts";
import type { FloorScript } from "./floor.ts";
import { marketSupergraph, OPERATION_NAMES, OPERATIONS, type OperationName } from "./market.ts";
import type { Probed } from "./measure.ts";
import { CORES, type PinnedProcess, startPinned } from "./pinned-process.ts";
import { ask, startServer } from "./servers.ts";
import type { SubgraphsAnswer, SubgraphsOrder } from "./subgraphs.ts";

export const CONTESTANTS = {
  ours: "Teranga",
  "ours-unshared": "Teranga, nothing shared",
  stock: "`@apollo/gateway`",
  hive: "Hive",
  "hive-shared": "Hive, client requests shared",
  floor: "floor",
} as const;

export type ContestantId = keyof typeof CONTESTANTS;
export const CONTESTANT_IDS = Object.keys(CONTESTANTS) as ContestantId[];

export interface Contestant {
  id: ContestantId;
  url: string;
  process: Probed;
}

export interface Market {
  subgraphs: PinnedProcess<SubgraphsOrder, SubgraphsAnswer>;
  contestants: Contestant[];
  /** The length of an operation's answer from a contestant. Formats differ by spaces at most. */
  answerBytes(id: ContestantId, operation: OperationName): number;
  /** Contestants whose answer has other bytes than ours; the JSON is the same. */
  otherBytes: ContestantId[];
  stop(): Promise<void>;
}

const BENCH = "test/bench/gateway";

interface Folder {
  directory: string;
  supergraph: string;
  script: string;
}

function programOf(id: ContestantId, port: number, { supergraph, script }: Folder) {
  const env = { NODE_ENV: "production", PORT: String(port), SUPERGRAPH: supergraph };
  switch (id) {
    case "ours":
    case "ours-unshared":
      return {
        program: "gateway/src/main.ts",
        args: ["--supergraph", supergraph, "--port", String(port)],
        env: { NODE_ENV: "production", HOST: "127.0.0.1", SHARE_QUERIES: String(id === "ours") },
      };
    case "stock":
      return { program: `${BENCH}/stock.ts`, env };
    case "hive":
    case "hive-shared":
      return { program: `${BENCH}/hive.ts`, env: { ...env, SHARE_REQUESTS: String(id === "hive-shared") } };
    case "floor":
      return { program: `${BENCH}/floor.ts`, env: { ...env, SCRIPT: script } };
    default:
      return id satisfies never;
  }
}

/** @param directory for the supergraph, logs and the floor's script */
export async function startMarket(ids: readonly ContestantId[], directory: string): Promise<Market> {
  const folder = {
    directory,
    supergraph: join(directory, "supergraph.graphql"),
    script: join(directory, "floor.json"),
  };
  const running: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const process of running.toReversed()) await process.stop();
  };
  try {
    const subgraphs = await startPinned<SubgraphsOrder, SubgraphsAnswer>({
      name: "the subgraphs",
      program: `${BENCH}/subgraphs.ts`,
      core: CORES.others,
      logFile: join(directory, "subgraphs.log"),
    });
    running.push(subgraphs);
    const origin = `http://127.0.0.1:${(await subgraphs.next("listening")).port}`;
    await writeFile(folder.supergraph, marketSupergraph(origin));
    const start = (id: ContestantId) => startContestant(id, folder, (process) => running.push(process));
    // The floor repeats the requests of our gateway with sharing between clients' requests off.
    const model = await start("ours-unshared");
    await writeFile(folder.script, JSON.stringify(await recordScript(model.url, origin, subgraphs)));
    const contestants: Contestant[] = [];
    for (const id of ids) contestants.push(id === model.id ? model : await start(id));
    return { subgraphs, contestants, stop, ...(await compareAnswers(model, contestants)) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startContestant(
  id: ContestantId,
  folder: Folder,
  started: (process: Probed) => void,
): Promise<Contestant> {
  const port = await freePort();
  return {
    id,
    ...(await startServer({ name: id, port, ...programOf(id, port, folder) }, folder.directory, started)),
  };
}

async function recordScript(
  url: string,
  origin: string,
  subgraphs: Market["subgraphs"],
): Promise<FloorScript> {
  const script: FloorScript = {};
  for (const name of OPERATION_NAMES) {
    subgraphs.send({ kind: "record" });
    const { text } = await ask(url, OPERATIONS[name]);
    subgraphs.send({ kind: "recorded" });
    const { waves } = await subgraphs.next("waves");
    script[OPERATIONS[name]] = { origin, waves, answer: JSON.parse(text) };
  }
  return script;
}

type Asked = Pick<Contestant, "id" | "url">;

/** @throws Error if a contestant's answer differs from the model's, or has errors */
export async function compareAnswers(
  model: Asked,
  contestants: readonly Asked[],
  operations: Readonly<Record<OperationName, string>> = OPERATIONS,
): Promise<Pick<Market, "answerBytes" | "otherBytes">> {
  const lengths = new Map<string, number>();
  const otherBytes = new Set<ContestantId>();
  for (const operation of OPERATION_NAMES) {
    const expected = await ask(model.url, operations[operation]);
    const answer = JSON.parse(expected.text) as { data: object; errors?: unknown };
    if (answer.errors !== undefined || !answer.data)
      throw new Error(`${operation}: ${expected.text.slice(0, SHOWN_LENGTH)}`);
    for (const { id, url } of contestants) {
      const { text } = await ask(url, operations[operation]);
      if (!isDeepStrictEqual(JSON.parse(text), answer))
        throw new Error(`${id} answers ${operation} otherwise: ${text.slice(0, SHOWN_LENGTH)}`);
      if (text.trim() !== expected.text.trim()) otherBytes.add(id);
      lengths.set(`${id} ${operation}`, Buffer.byteLength(text));
    }
  }
  const answerBytes = (id: ContestantId, operation: OperationName) => lengths.get(`${id} ${operation}`)!;
  return { answerBytes, otherBytes: [...otherBytes] };
}

const SHOWN_LENGTH = 500;
