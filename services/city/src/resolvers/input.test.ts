/**
 * Goal: a client's name can be shown on one line, as it is, and a telephone number has one form. Method:
 * names and numbers, one by one.
 */
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { expect, test } from "vitest";
import { registerClientInput, updateClientInput } from "./input.ts";

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

test.each(["+221771234567", "+221 77 123 45 67", " +221 771234567 "])(
  "%j is kept without spaces",
  (phone) => {
    expect(register({ phone }).phone).toBe("+221771234567");
    expect(parseInput(updateClientInput, { id: "dakar:1", phone }, "input").phone).toBe("+221771234567");
  },
);

test.each(["hello", "221771234567", "+0771234567", "+12345", "+1 2 3 4 5", "+1       ", "+221-771234567"])(
  "%j is no telephone number",
  (phone) => {
    expect(() => register({ phone })).toThrow("input.phone: is not a telephone number in international form");
  },
);

test("a client may have no telephone number, and lose it", () => {
  expect(register({}).phone).toBeNull();
  expect(parseInput(updateClientInput, { id: "dakar:1", phone: null }, "input").phone).toBeNull();
});
