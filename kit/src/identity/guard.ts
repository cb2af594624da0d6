/**
 * Lets a service show and change only what the caller may see or change. It reads `@authenticated`,
 * `@requiresScopes` and `@policy` of the service's own schema, and wraps the resolvers:
 *
 *   a root field        is the row that its arguments name the caller's?       (`calls`)
 *   an object           is it the caller's? If not, there is no such object.   (`rows`)
 *   a field that has    is the row around it the caller's? If not,
 *   a directive itself  UNAUTHORIZED_FIELD.
 *
 * An object is guarded by its type, whichever field leads to it: one of that type, of a union or an
 * interface, or the field `_entities`.
 *
 * The gateway has refused before what no row could allow. A service does not rely on that.
 */
import {
  defaultFieldResolver,
  defaultTypeResolver,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
} from "graphql";
import { StartupError } from "../process/config.ts";
import { type Identity, VISITOR } from "./identity.ts";
import type { Owned } from "./policies/policy.ts";
import { isMet, type Requirement, requirementsOf, unauthorized } from "./requirement.ts";

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

/** What is asked of whoever may have the objects of a type, and whose they are. */
interface RowGuard<Context> {
  asked: readonly Requirement[];
  owner: RowOwner<Context> | undefined;
}

/** Nobody's row: who may have it may have any. */
const NOBODYS: Owned = {};

/**
 * Guards the fields of a schema, in place.
 * @throws StartupError if a policy stands where the guard does not know whose the row is
 */
export function guardSchema<Context extends Asking>(schema: GraphQLSchema, guard: Guard<Context>): void {
  const guards = new Guards(schema, guard);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    const isRoot = type === schema.getQueryType() || type === schema.getMutationType();
    for (const field of Object.values(type.getFields())) guards.wrap(type, field, isRoot);
  }
}

class Guards<Context extends Asking> {
  readonly #schema: GraphQLSchema;
  readonly #guard: Guard<Context>;

  constructor(schema: GraphQLSchema, guard: Guard<Context>) {
    this.#schema = schema;
    this.#guard = guard;
  }

  wrap(type: GraphQLObjectType, field: GraphQLField<unknown, Context>, isRoot: boolean): void {
    const own = requirementsOf(field.astNode?.directives);
    if (own.length > 0) isRoot ? this.#wrapCall(type, field, own) : this.#wrapField(type, field, own);
    const result = getNamedType(field.type);
    const guards = this.#rowGuards(result);
    if (guards.size > 0) this.#wrapResult(result, field, guards);
  }

  /** A root field, by its arguments. */
  #wrapCall(type: GraphQLObjectType, field: GraphQLField<unknown, Context>, asked: Requirement[]): void {
    const coordinate = `${type.name}.${field.name}`;
    const call = this.#guard.calls[coordinate];
    if (hasPolicy(asked) && !call) throw new StartupError(`Guard: whose row does ${coordinate} name?`);
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (source, args, context, info) => {
      const identity = identityOf(context);
      if (!areMet(asked, identity)) throw refused(coordinate, asked, identity);
      if (typeof call === "object" && !areMet(asked, identity, call.row(args, context))) {
        if (call.unknown) return call.unknown(args);
        throw refused(coordinate, asked, identity);
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
      if (await isOwn(source, context, { asked, owner })) return resolve(source, args, context, info);
      throw refused(coordinate, asked, identityOf(context));
    };
  }

  /** A field that leads to rows: those of others do not exist. */
  #wrapResult(
    type: GraphQLNamedType,
    field: GraphQLField<unknown, Context>,
    guards: ReadonlyMap<string, RowGuard<Context>>,
  ): void {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = async (source, args, context, info) => {
      const found = await resolve(source, args, context, info);
      if (identityOf(context).role === "service") return found;
      const shown = async (value: unknown): Promise<unknown> => {
        if (value == null) return null;
        if (Array.isArray(value)) return Promise.all(value.map(async (each) => shown(await each)));
        const guard = guards.get(await typeNameOf(value, type, context, info));
        return !guard || (await isOwn(value, context, guard)) ? value : null;
      };
      return shown(found);
    };
  }

  /** The guards of the objects that a field of this type may lead to, by their types. */
  #rowGuards(result: GraphQLNamedType): Map<string, RowGuard<Context>> {
    const types = isAbstractType(result) ? this.#schema.getPossibleTypes(result) : [result];
    const ofResult = typeRequirements(result);
    const guards = new Map<string, RowGuard<Context>>();
    for (const type of types) {
      const asked = type === result ? ofResult : [...ofResult, ...typeRequirements(type)];
      if (asked.length > 0) guards.set(type.name, { asked, owner: this.#ownerOf(type.name, asked) });
    }
    return guards;
  }

  #ownerOf(typeName: string, asked: readonly Requirement[]): RowOwner<Context> | undefined {
    const owner = this.#guard.rows[typeName];
    if (hasPolicy(asked) && !owner) throw new StartupError(`Guard: whose is a ${typeName}?`);
    return owner === "within" ? undefined : owner;
  }
}

const hasPolicy = (asked: readonly Requirement[]) => asked.some(({ directive }) => directive === "policy");

const typeRequirements = (type: GraphQLNamedType): Requirement[] => requirementsOf(type.astNode?.directives);

/** The type of an object, as graphql-js finds it. The empty name of one that does not tell it. */
async function typeNameOf<Context>(
  value: unknown,
  type: GraphQLNamedType,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<string> {
  if (!isAbstractType(type)) return type.name;
  return (await (type.resolveType ?? defaultTypeResolver)(value, context, info, type)) ?? "";
}

const identityOf = ({ identity = VISITOR }: Asking): Identity => identity;

/** A service that asks another one may have everything: it answers to a caller itself. */
function areMet(asked: readonly Requirement[], identity: Identity, row?: Owned): boolean {
  return identity.role === "service" || asked.every((each) => isMet(each, identity, row));
}

async function isOwn<Context extends Asking>(
  row: unknown,
  context: Context,
  { asked, owner }: RowGuard<Context>,
): Promise<boolean> {
  const identity = identityOf(context);
  if (areMet(asked, identity, NOBODYS)) return true;
  if (!areMet(asked, identity)) return false;
  return owner === undefined || areMet(asked, identity, await owner(row, context));
}

/** The error names what is missing first. */
function refused(coordinate: string, asked: readonly Requirement[], identity: Identity) {
  const requirement = asked.find((each) => !isMet(each, identity)) ?? asked[0]!;
  return unauthorized({ coordinate, requirement });
}
