/** Guards against requests that reached the wrong city: a fault of routing, never of data. */

import { codedError } from "@teranga/kit/graphql/errors.ts";
import { isStorable } from "@teranga/kit/graphql/input.ts";
import type { City } from "../context.ts";
import type { CityStub } from "../model.ts";

/** @throws GraphQLError UNKNOWN_CITY or WRONG_CITY unless this city owns the value, an id or a town. */
export function mustOwn(city: City, value: string): void {
  mustBeOwner(city, city.placement.partitionOf(value));
}

/** @throws GraphQLError UNKNOWN_CITY or WRONG_CITY unless this is the city of the id. No town is one. */
export function mustBe(city: City, cityId: string): void {
  mustBeOwner(city, city.placement.partitionOf(cityId, "id"));
}

/**
 * A city that is recorded here: of an allocation, of a transfer. One that the topology has no more is nobody's to speak for.
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

/** A town that is not this city's any more. */
export function notOwn({ id }: City): Error {
  return codedError("WRONG_CITY", `The town is not one of ${id}.`, { city: id });
}

/** Ids that are longer than any that exist, or that PostgreSQL cannot store, are ids of nothing. */
export function canBeId(id: string): boolean {
  return id.length <= 200 && isStorable(id);
}
