/**
 * Splits root fields among partitions: each goes to the owner of its routing value, or to all partitions.
 */
import { type GraphQLError, type GraphQLFormattedError, valueFromAST } from "graphql";
import { emptyObject, errorAt, isObject, type JsonObject, ownValue } from "../../ground/answer.ts";
import { type Window, windowOf } from "./merge-pages.ts";
import type { PagePlan } from "./merge-plan.ts";
import { positionOf } from "./merge-position.ts";
import type { FieldArgument, FieldRoute, RootField } from "./operation-plan.ts";
import { type Owner, ownerOf, type PartitionRun } from "./partition-run.ts";

/** The part of an operation that one partition runs. */
export interface Part {
  partition: string;
  fields: RootField[];
  /** Where its merged pages begin, by the `after` variables. */
  afters: JsonObject;
}

/** Which partition runs what, and the answers that need no partition. */
export interface Split {
  parts: Part[];
  /** The windows of the merged fields, by response name. */
  windows: ReadonlyMap<string, { window: Window; page: PagePlan }>;
  data: JsonObject;
  errors: GraphQLFormattedError[];
}

/**
 * Groups consecutive fields that one partition can run together. Fields of one response name are one field,
 * at the place of the first (CollectFields of the specification): apart, they would be carried out twice.
 */
export function consecutive(fields: readonly RootField[], run: PartitionRun): RootField[][] {
  const steps: { owner: string | undefined; fields: RootField[] }[] = [];
  for (const same of Map.groupBy(fields, ({ responseName }) => responseName).values()) {
    const { route } = same[0]!;
    const found = route.kind === "owner" ? fieldOwner(route, run) : undefined;
    const owner = found?.kind === "found" ? found.partition : undefined;
    const last = steps.at(-1);
    if (last && owner !== undefined && last.owner === owner) last.fields.push(...same);
    else steps.push({ owner, fields: same });
  }
  return steps.map((step) => step.fields);
}

/** Decides which partition runs each field. Fields keep their order, and parts have the topology's order. */
export function splitFields(fields: readonly RootField[], run: PartitionRun): Split {
  const byPartition = new Map<string, RootField[]>();
  const add = (partition: string, field: RootField) => {
    const own = byPartition.get(partition);
    if (own) own.push(field);
    else byPartition.set(partition, [field]);
  };
  const windows = new Map<string, { window: Window; page: PagePlan }>();
  const data = emptyObject();
  const errors: GraphQLFormattedError[] = [];
  const refuse = (responseName: string, error: GraphQLError) => {
    if (data[responseName] !== undefined) return;
    data[responseName] = null;
    errors.push(errorAt(error, [responseName]));
  };
  for (const field of fields) {
    const { route, responseName } = field;
    switch (route.kind) {
      case "typename":
        data[responseName] = route.typeName;
        break;
      case "gather":
        for (const partition of run.partitionIds) add(partition, field);
        break;
      case "owner": {
        const owner = fieldOwner(route, run);
        if (owner.kind === "found") add(owner.partition, field);
        else refuse(responseName, owner.error);
        break;
      }
      case "merge": {
        const asked = windowOf(argumentValue(route.first, run), argumentValue(route.after, run));
        if (asked.kind === "refused") {
          refuse(responseName, asked.error);
          break;
        }
        windows.set(responseName, { window: asked.window, page: route.page });
        for (const partition of run.partitionIds) add(partition, field);
        break;
      }
      default:
        route satisfies never;
    }
  }
  // A field of one partition, by far the commonest case, costs the same however many partitions there are.
  const involved =
    byPartition.size > 1 ? run.partitionIds.filter((id) => byPartition.has(id)) : [...byPartition.keys()];
  const parts = involved.map((partition) => ({
    partition,
    fields: byPartition.get(partition)!,
    afters: aftersOf(partition, windows.values()),
  }));
  return { parts, windows, data, errors };
}

/** Where a partition's pages begin, by the `after` variables. */
function aftersOf(
  partition: string,
  windows: Iterable<{ window: Window; page: PagePlan }>,
): Record<string, unknown> {
  const afters = emptyObject();
  for (const { window, page } of windows) afters[page.afterVariable] = positionOf(window.start, partition);
  return afters;
}

function fieldOwner(route: Extract<FieldRoute, { kind: "owner" }>, run: PartitionRun): Owner {
  const routing = route.by
    .slice(1)
    .reduce<unknown>(
      (object, step) => (isObject(object) ? ownValue(object, step) : undefined),
      argumentValue(route, run),
    );
  return ownerOf(run, routing, route.by, "name");
}

/** An argument as the partitions will read it: the written value, else the schema's default. */
function argumentValue({ argument, field }: FieldArgument, run: PartitionRun): unknown {
  const given = field.arguments?.find(({ name }) => name.value === argument.name);
  const written = given ? valueFromAST(given.value, argument.type, run.variables) : undefined;
  return written === undefined ? argument.defaultValue : written;
}
