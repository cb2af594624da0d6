/** What clients want: which products, and how much of them. */
import type { Random } from "../harness/random.ts";
import type { Catalog } from "./catalog.ts";
import type { Habits } from "./habits.ts";
import type { OrderInput } from "./order-input.ts";
import type { SequentialModel } from "./sequential-model.ts";
import { CITY_IDS, PRODUCTS } from "./shop.ts";

interface WishMeans {
  random: Random;
  model: SequentialModel;
  catalog: Catalog;
}

export class Wishes {
  readonly #habits: Habits;
  readonly #means: WishMeans;

  constructor(habits: Habits, means: WishMeans) {
    this.#habits = habits;
    this.#means = means;
  }

  /** The lines of an order, and what they cost now. */
  order(): { lines: OrderInput["lines"]; total: number } {
    const { random, catalog } = this.#means;
    const { linesMax, splits } = this.#habits;
    const draws = random.between(1, linesMax);
    const products = new Set(Array.from({ length: draws }, () => this.product()));
    const lines = Array.from(products, (productId) => ({
      productId,
      quantity: this.#happens(splits) ? this.#moreThanOneHas(productId) : this.pieces(),
    }));
    const prices = lines.map(({ productId, quantity }) => quantity * catalog.priceOf(productId));
    return { lines, total: prices.reduce((sum, price) => sum + price, 0) };
  }

  /** Who is to give to a city whose client orders, at the same time. */
  transfersTo(home: string): [from: string, to: string][] {
    if (!this.#happens(this.#habits.together)) return [];
    return CITY_IDS.filter((cityId) => cityId !== home).map((giver) => [giver, home]);
  }

  product(): string {
    return this.#happens(this.#habits.hotProduct) ? PRODUCTS[0]! : this.#means.random.pick(PRODUCTS);
  }

  pieces(): number {
    const { unit, unitsMax } = this.#habits;
    return unit * this.#means.random.between(1, unitsMax);
  }

  /** A piece more than the richest city has, or the two richest; fewer if there are not so many. */
  #moreThanOneHas(productId: string): number {
    const { model, random } = this.#means;
    const levels = CITY_IDS.map((cityId) => model.stock.get(`${cityId} ${productId}`) ?? 0).sort(
      (a, b) => b - a,
    );
    const [most = 0, second = 0, least = 0] = levels;
    const wanted = most + 1 + (random.next() < 0.5 ? second : 0);
    return Math.max(1, Math.min(wanted, most + second + least));
  }

  #happens(chance: number): boolean {
    return this.#means.random.next() < chance;
  }
}
