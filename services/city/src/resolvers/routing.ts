/** Guards against requests that reached the wrong city. That is a fault of routing, never of data. */

import { codedError } from "@teranga/kit/graphql/errors.ts";
import { isStorable } from "@teranga/kit/graphql/input.ts";
import type { City } from "../context.ts";
import type { CityStub } from "../model.ts";

/**
 * @throws GraphQLError UNKNOWN_CITY or WRONG_CITY unless this city owns the value, which is an id or a town
 */
export function mustOwn(city: City, value: string): void {
  mustBeOwner(city, city.placement.partitionOf(value));
}

/** @throws GraphQLError UNKNOWN_CITY or WRONG_CITY unless the id is this city's. A town is not accepted. */
export function mustBe(city: City, cityId: string): void {
  mustBeOwner(city, city.placement.partitionOf(cityId, "id"));
}

/**
 * A city that is recorded here, in an allocation or a transfer. The topology may have lost it since, and then
 * no service can answer for it.
 * @throws GraphQLError UNKNOWN_CITY
 */
export function recordedCity(city: City, cityId: string): CityStub {
  return { id: city.placement.partitionOf(cityId, "id") };
}

function mustBeOwner(city: City, owner: string): void {
  if (owner !== city.id) {
    throw codedError("WRONG_CITY", `This belongs to ${owner}, not to ${city.id}.`, { city: city.id });
  }
}

/** The error for a town that no longer belongs to this city. */
export function notOwn({ id }: City): Error {
  return codedError("WRONG_CITY", `The town is not one of ${id}.`, { city: id });
}

/** Whether the id can exist: not too long, and storable by PostgreSQL. */
export function canBeId(id: string): boolean {
  return id.length <= 200 && isStorable(id);
}
