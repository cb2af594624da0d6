/** A lane to each city for messages of one kind, made when the first of them leaves: cities come while the service runs. */
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { MessageLane } from "./message-lane.ts";

/** Undefined if there is no such city. */
export type LaneTo<Message, Answer> = (cityId: string) => MessageLane<Message, Answer> | undefined;

/**
 * A city that leaves the topology keeps its lane and the URLs that it had, for what is under way with it: a participant has to be told the
 * decision. There are as many lanes as there ever were cities.
 * @param makeLane is given where the city is at the moment, to be called for each request
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

/** Where a city is now; undefined if there is no such city. */
export function urlsOf({ partitions }: PartitionPlacement, cityId: string): readonly string[] | undefined {
  return partitions.find(({ id }) => id === cityId)?.urls;
}
