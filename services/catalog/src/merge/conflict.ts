/** Conflicts and changes, as the database keeps them and as the graph tells them. */

export type ConflictStatus = "OPEN" | "SETTLED" | "RESOLVED" | "SUPERSEDED";
export type ChangeKind = "CREATE" | "EDIT" | "DELETE" | "RESOLUTION";
export type Entity = "Product" | "Supplier";
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A value of a conflict; the node is null if nobody has written just that. */
export interface Version {
  value: Json;
  node: string | null;
  sequence: number | null;
  at: string | null;
  /** The value is what was added to a counter, or added to a set and removed from it. */
  isChange?: true;
}

/** A row of the table `conflict`. */
export interface ConflictRow {
  entity: Entity;
  id: string;
  field: string;
  firstNode: string;
  firstSequence: number;
  base: Json;
  winner: Version;
  losers: readonly Version[];
  strategy: string;
  status: ConflictStatus;
  openedAt: Date;
  resolvedAt: Date | null;
}

/** A row of the table `operation`. */
export interface Operation {
  node: string;
  sequence: number;
  entity: Entity;
  id: string;
  kind: ChangeKind;
  patch: Record<string, Json>;
  writtenAt: Date;
}

/** The name that a column has in the graph. */
const NAMES = new Map([
  ["supplier_id", "supplier"],
  ["name_key", "name"],
  ["created_at", "createdAt"],
]);
export const fieldOf = (column: string) => NAMES.get(column) ?? column;

/** A value as a text. */
export function asText(value: Json | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a field would be if a version had counted: a lost change is carried out on what has won. */
export function valueIfChosen(version: Version, winner: Version): Json {
  const { value, isChange } = version;
  if (!isChange) return value;
  if (typeof value === "number") return (winner.value as number) + value;
  const { add, remove } = value as { add: string[]; remove: string[] };
  const stays = (winner.value as string[]).filter((element) => !remove.includes(element));
  return [...new Set([...stays, ...add])].sort((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
}

/** The id of the change that wrote a version. */
export const versionId = ({ node, sequence }: Version) => (node === null ? null : `${node}:${sequence}`);

export const conflictId = ({ entity, id, field, firstNode, firstSequence }: ConflictRow) =>
  `${entity}:${id}:${field}:${firstNode}:${firstSequence}`;

/** The parts of a conflict's id, or null. A row's id may have colons itself. */
export function parseConflictId(text: string) {
  const parts = /^(Product|Supplier):(.{1,100}):([a-z_]{1,50}):([a-z][a-z0-9-]{0,62}):([0-9]{1,15})$/s.exec(
    text,
  );
  if (!parts) return null;
  const [, entity, id, field, node, sequence] = parts as unknown as [
    string,
    Entity,
    string,
    string,
    string,
    string,
  ];
  return { entity, id, field, node, sequence: Number(sequence) };
}

/** Why the field has the value that it has. */
export function reasonOf({ strategy, status, winner, losers }: ConflictRow): string {
  const others = losers.map(({ node, value }) => `${node} wrote ${quote(value)}`).join(", ");
  return `${ruleOf(strategy, winner)} Without knowing of it, ${others}.${sequelOf(status)}`;
}

function ruleOf(strategy: string, winner: Version): string {
  const value = quote(winner.value);
  const by = winner.node === null ? "" : ` of ${winner.node}`;
  switch (strategy) {
    case "LATEST":
      return `The latest value stays: ${value}${by}.`;
    case "FIELD_WISE":
      return `The latest value of this field stays: ${value}${by}.`;
    case "MANUAL":
      return `What was there first stays until a person chooses: ${value}${by}.`;
    case "ADD":
      return `What was added at all sites is added up: ${value}.`;
    case "UNION":
      return `What was added anywhere stays: ${value}.`;
    case "EDIT_WINS":
      return `An edit${by} that did not know of the deletion brings it back.`;
    case "UNIQUE_NAME":
      return `Both products keep their name until one is renamed: ${value}${by} was the first.`;
    default:
      return `The resolver ${strategy.replace("custom:", "")} has chosen: ${value}${by}.`;
  }
}

const quote = (value: Json) => (value === null ? "no value" : `"${asText(value)}"`);

function sequelOf(status: ConflictStatus): string {
  switch (status) {
    case "OPEN":
    case "SETTLED":
      return "";
    case "RESOLVED":
      return " A person has chosen since.";
    case "SUPERSEDED":
      return " Another value was written since, by somebody who knew these.";
    default:
      return status satisfies never;
  }
}
