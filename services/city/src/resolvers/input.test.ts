/** Goal: a client's name can be shown on one line, as it is. Method: names, one by one. */
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { expect, test } from "vitest";
import { registerClientInput } from "./input.ts";

const register = (changes: object) =>
  parseInput(
    registerClientInput,
    { name: "Awa", email: "awa@example.sn", town: "Dakar", ...changes },
    "input",
  );

test.each(["Awa Ndiaye", " Awa\n", "Mame-Diarra Fall", "عائشة", "Fatou 🌍"])("%j is a name", (name) => {
  expect(register({ name }).name).toBe(name.trim());
});

test.each(["Awa\r\nAdmin", "Awa\u0007", "Awa\u202exe", "Awa\u2066x", "Awa\u2028x", "Awa\u0085x"])(
  "%j is none, and no town",
  (text) => {
    expect(() => register({ name: text })).toThrow("input.name: may not have line ends");
    expect(() => register({ town: text })).toThrow("input.town: may not have line ends");
  },
);
