/** Goal: a field without a source does not compile. Method: types that `npm run check` compares. */
import { expectTypeOf, test } from "vitest";
import type { EveryField } from "./every-field.ts";

/** As generated: every field is optional, and a root type's parent has any key. */
interface Resolvers {
  Query?: { people?: () => object[] };
  Person?: { __resolveReference?: () => object; id?: () => string; name?: () => string; age?: () => number };
  Named?: { __resolveType?: () => string };
}
interface Parents {
  Query: Record<PropertyKey, never>;
  Person: { id: string; name?: string };
  Named: Parents["Person"];
}
type Asked<Given> = EveryField<Resolvers, Parents, Given>;

test("what neither a resolver nor the row gives is asked for, and nothing else", () => {
  expectTypeOf<Asked<object>>().toEqualTypeOf<{ Query: { people: unknown }; Person: { age: unknown } }>();
  expectTypeOf<Asked<{ Query: { people: 1 }; Person: { id: 1 } }>>().toEqualTypeOf<{
    Person: { age: unknown };
  }>();
  expectTypeOf<keyof Asked<{ Query: { people: 1 }; Person: { age: 1 } }>>().toEqualTypeOf<never>();
});
