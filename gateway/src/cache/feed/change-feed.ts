/**
 * Follows the changes of those places of which the cache keeps answers. A place that leaves the topology is
 * followed no longer.
 */
import { CHANGES_PATH } from "@teranga/kit/outbox/changes-answer.ts";
import { placesOf } from "@teranga/kit/reads/places.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import { type FollowerMeans, PlaceFollower } from "./place-follower.ts";

export class ChangeFeed {
  readonly #means: FollowerMeans;
  readonly #followers = new Map<string, PlaceFollower>();
  /** Of the topology's places, by name: where each instance tells its changes. */
  #urls = new Map<string, readonly string[]>();

  constructor(means: FollowerMeans) {
    this.#means = means;
  }

  /**
   * Whether what is kept of a place may be served now. Always, if the topology does not name the place:
   * nobody tells the changes of a foreign service.
   */
  mayServe(place: string): boolean {
    return !this.#urls.has(place) || this.#followers.get(place)?.isProven === true;
  }

  /** Something of the place is kept. */
  follow(place: string): void {
    const urls = this.#urls.get(place);
    if (!urls || this.#followers.has(place)) return;
    this.#followers.set(place, new PlaceFollower(place, urls, this.#means));
  }

  setTopology(topology: Topology | undefined): void {
    const places = [...(topology?.placements.values() ?? [])].flatMap(placesOf);
    this.#urls = new Map(places.map(({ name, urls }) => [name, changesOf(urls)]));
    for (const [place, follower] of this.#followers) {
      const urls = this.#urls.get(place);
      if (urls) follower.setUrls(urls);
      else {
        this.#followers.delete(place);
        void follower.stop();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#followers.values(), (follower) => follower.stop()));
  }
}

const changesOf = (urls: readonly string[]) => urls.map((url) => new URL(CHANGES_PATH, url).href);
