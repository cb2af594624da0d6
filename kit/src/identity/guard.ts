/**
 * Lets a service show and change only what the caller may see or change. It reads `@authenticated`,
 * `@requiresScopes` and `@policy` of the service's own schema, and wraps the resolvers:
 *
 *   a root field        is the row that its arguments name the caller's?       (`calls`)
 *   an object           is it the caller's? If not, there is no such object.   (`rows`)
 *   a field of a row    is the row the caller's? If not, UNAUTHORIZED_FIELD.
 *
 * The gateway has refused before what no row could allow. A service does not rely on that.
 */
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from "graphql";
import { codedError } from "../graphql/errors.ts";
import { StartupError } from "../process/config.ts";
import { type Identity, VISITOR } from "./identity.ts";
import type { Owned } from "./policies/policy.ts";
import { isMet, type Requirement, requirementsOf } from "./requirement.ts";

/** Whose a row is. */
// biome-ignore lint/suspicious/noExplicitAny: the rows' types are checked where an owner is written
type RowOwner<Context> = (row: any, context: Context) => Owned | Promise<Owned>;

interface Call<Context> {
  /** Whose the row is that the arguments name. */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments' types are those of the schema
  row: (args: any, context: Context) => Owned;
  /** The answer for a row that is missing or somebody else's. Without it: UNAUTHORIZED_FIELD. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  unknown?: (args: any) => unknown;
}

export interface Guard<Context> {
  /** By type. `within`: its objects are found only inside of one whose owner is known. */
  rows: Readonly<Record<string, RowOwner<Context> | "within">>;
  /** By root field, `Mutation.restock`. `result`: the object that it leads to tells its owner. */
  calls: Readonly<Record<string, Call<Context> | "result">>;
}

interface Asking {
  identity?: Identity;
}

/** Nobody's row: who may have it may have any. */
const NOBODYS: Owned = {};

/**
 * Guards the fields of a schema, in place.
 * @throws StartupError if a policy stands where the guard does not know whose the row is
 */
export function guardSchema<Context extends Asking>(schema: GraphQLSchema, guard: Guard<Context>): void {
  const guards = new Guards(guard);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    const isRoot = type === schema.getQueryType() || type === schema.getMutationType();
    for (const field of Object.values(type.getFields())) guards.wrap(type, field, isRoot);
  }
}

class Guards<Context extends Asking> {
  readonly #guard: Guard<Context>;

  constructor(guard: Guard<Context>) {
    this.#guard = guard;
  }

  wrap(type: GraphQLObjectType, field: GraphQLField<unknown, Context>, isRoot: boolean): void {
    const own = requirementsOf(field.astNode?.directives);
    if (own.length > 0) isRoot ? this.#wrapCall(type, field, own) : this.#wrapField(type, field, own);
    if (field.name === "_entities") this.#wrapEntities(field);
    const result = getNamedType(field.type);
    const asked = typeRequirements(result);
    if (asked.length > 0) this.#wrapResult(field, asked, this.#ownerOf(result.name, asked));
  }

  /** A root field, by its arguments. */
  #wrapCall(type: GraphQLObjectType, field: GraphQLField<unknown, Context>, asked: Requirement[]): void {
    const coordinate = `${type.name}.${field.name}`;
    const call = this.#guard.calls[coordinate];
    if (hasPolicy(asked) && !call) throw new StartupError(`Guard: whose row does ${coordinate} name?`);
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (source, args, context, info) => {
      const identity = identityOf(context);
      if (!areMet(asked, identity)) throw unauthorized(coordinate, asked, identity);
      if (typeof call === "object" && !areMet(asked, identity, call.row(args, context))) {
        if (call.unknown) return call.unknown(args);
        throw unauthorized(coordinate, asked, identity);
      }
      return resolve(source, args, context, info);
    };
  }

  /** A field of a row that others may see too. */
  #wrapField(type: GraphQLObjectType, field: GraphQLField<unknown, Context>, asked: Requirement[]): void {
    const coordinate = `${type.name}.${field.name}`;
    const owner = this.#ownerOf(type.name, asked);
    const { resolve = defaultFieldResolver } = field;
    field.resolve = async (source, args, context, info) => {
      if (await isOwn(source, context, asked, owner)) return resolve(source, args, context, info);
      throw unauthorized(coordinate, asked, identityOf(context));
    };
  }

  /** A field that leads to rows: those of others do not exist. */
  #wrapResult(
    field: GraphQLField<unknown, Context>,
    asked: Requirement[],
    owner: RowOwner<Context> | undefined,
  ): void {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = async (source, args, context, info) => {
      const found = await resolve(source, args, context, info);
      if (identityOf(context).role === "service") return found;
      const shown = async (value: unknown) =>
        value != null && (await isOwn(value, context, asked, owner)) ? value : null;
      return Array.isArray(found) ? Promise.all(found.map(async (each) => shown(await each))) : shown(found);
    };
  }

  /** The rows that the gateway asks for by their keys. */
  #wrapEntities(field: GraphQLField<unknown, Context>): void {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = async (source, args, context, info) => {
      const found = (await resolve(source, args, context, info)) as readonly unknown[];
      return found.map(async (each, index) => {
        const value = await each;
        const { __typename: name } = args.representations[index];
        const type = info.schema.getType(name);
        const asked = type ? typeRequirements(type) : [];
        if (asked.length === 0 || value == null) return value;
        return (await isOwn(value, context, asked, this.#ownerOf(name, asked))) ? value : null;
      });
    };
  }

  #ownerOf(typeName: string, asked: readonly Requirement[]): RowOwner<Context> | undefined {
    const owner = this.#guard.rows[typeName];
    if (hasPolicy(asked) && !owner) throw new StartupError(`Guard: whose is a ${typeName}?`);
    return owner === "within" ? undefined : owner;
  }
}

const hasPolicy = (asked: readonly Requirement[]) => asked.some(({ directive }) => directive === "policy");

const typeRequirements = (type: GraphQLNamedType): Requirement[] => requirementsOf(type.astNode?.directives);

const identityOf = ({ identity = VISITOR }: Asking): Identity => identity;

/** A service that asks another one may have everything: it answers to a caller itself. */
function areMet(asked: readonly Requirement[], identity: Identity, row?: Owned): boolean {
  return identity.role === "service" || asked.every((each) => isMet(each, identity, row));
}

async function isOwn<Context extends Asking>(
  row: unknown,
  context: Context,
  asked: readonly Requirement[],
  owner: RowOwner<Context> | undefined,
): Promise<boolean> {
  const identity = identityOf(context);
  if (areMet(asked, identity, NOBODYS)) return true;
  if (!areMet(asked, identity)) return false;
  return owner === undefined || areMet(asked, identity, await owner(row, context));
}

/** The error for a field that the caller may not ask for. It names what is missing first. */
function unauthorized(coordinate: string, asked: readonly Requirement[], identity: Identity) {
  const missing = asked.find((each) => !isMet(each, identity)) ?? asked[0]!;
  return codedError("UNAUTHORIZED_FIELD", `You may not ask for ${coordinate}.`, {
    coordinate,
    directive: `@${missing.directive}`,
    ...("anyOf" in missing && { needs: missing.anyOf }),
  });
}
