/**
 * What the compiler asks resolvers for: every field that neither they nor the row in hand gives. The
 * generated types leave each field optional, so one without a source compiled, and was null at run time.
 *
 * `Resolvers` and `Parents` are generated for a subgraph; `Given` is the type of the resolvers as written.
 */
export type EveryField<Resolvers, Parents, Given> = {
  [Type in keyof Resolvers & keyof Parents as Unanswered<Resolvers, Parents, Given, Type> extends never
    ? never
    : Type]-?: { [Field in Unanswered<Resolvers, Parents, Given, Type>]: unknown };
};

type Unanswered<Resolvers, Parents, Given, Type extends keyof Resolvers & keyof Parents> = Exclude<
  keyof NonNullable<Resolvers[Type]>,
  NamedKeys<Parents[Type]> | (Type extends keyof Given ? keyof Given[Type] : never) | `__${string}`
>;

/** Without the index signature that the root types' parents have. */
type NamedKeys<Parent> = PropertyKey extends keyof Parent ? never : keyof Parent;
