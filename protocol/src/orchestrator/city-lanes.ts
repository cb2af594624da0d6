/**
 * One lane to each city for messages of one kind. A lane is made at its first message, because cities join
 * while the service runs.
 */
import { type PartitionPlacement, urlsOf } from "@teranga/kit/topology/topology.ts";
import type { MessageLane } from "./message-lane.ts";

/** The lane to a city; undefined if the topology has no such city. */
export type LaneTo<Message, Answer> = (cityId: string) => MessageLane<Message, Answer> | undefined;

/**
 * A city that leaves the topology keeps its lane and its last URLs for the transactions that are under way: a
 * participant must be told the decision. So there are as many lanes as there ever were cities.
 * @param makeLane gets a function that returns the city's present URLs, to be called for each request
 */
export function createCityLanes<Message, Answer>(
  cities: PartitionPlacement,
  makeLane: (urlsNow: () => readonly string[]) => MessageLane<Message, Answer>,
): LaneTo<Message, Answer> {
  const lanes = new Map<string, MessageLane<Message, Answer>>();
  return (cityId) => {
    const known = lanes.get(cityId);
    let urls = urlsOf(cities, cityId);
    if (known || !urls) return known;
    const lane = makeLane(() => {
      urls = urlsOf(cities, cityId) ?? urls!;
      return urls;
    });
    lanes.set(cityId, lane);
    return lane;
  };
}
