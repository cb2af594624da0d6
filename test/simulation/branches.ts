/**
 * The branches of the protocol's SQL functions: both arms of every IF, every arm of a CASE, every handler of
 * an error. The simulation creates the functions with a counter in each: a sequence, because a statement that
 * fails leaves it as it is, and an unlogged one, because that makes no reader a writer.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";

const TOKEN = /--[^\n]*|(\$\w*\$).*?\1|'(?:[^']|'')*'|\w+|\s+|./gs;
const FUNCTION = /^create or replace function (\w+).*? as \$\$(.*)\$\$;/s;
/** So many characters of a condition are in its branch's name. */
const NAMED_MAX = 70;
/** What is asked of the database from outside: no message runs it. */
const NO_MESSAGE = "9-invariants.sql";

export interface CountedFunctions {
  /** Creates the counters and the functions. */
  script: string;
  /** The branches, in the order of their counters. */
  names: string[];
}

/** @param folder of the functions' files */
export function countBranches(folder: string): CountedFunctions {
  const names: string[] = [];
  const functions = readdirSync(folder)
    .sort()
    .filter((file) => file !== NO_MESSAGE)
    .flatMap((file) => readFileSync(join(folder, file), "utf8").split(/^(?=create or replace function )/m))
    .flatMap((text) => {
      const [found, name, body] = FUNCTION.exec(text) ?? [];
      return found ? [found.replace(body!, () => new Counting(name!, body!, names).counted())] : [];
    });
  const counters = names.map((_, index) => `create unlogged sequence ${counterOf(index)};`);
  return { script: ["create schema branch;", ...counters, ...functions].join("\n"), names };
}

export function counterOf(index: number): string {
  return `branch.counter_${index}`;
}

/** One body of a function, read word by word. */
class Counting {
  readonly #function: string;
  readonly #tokens: string[];
  readonly #names: string[];
  #at = 0;

  constructor(name: string, body: string, names: string[]) {
    this.#function = name;
    this.#tokens = body.match(TOKEN)!;
    this.#names = names;
  }

  counted(): string {
    return this.#until([]);
  }

  /** The text with its counters up to one of these words, which are of the same level. */
  #until(ends: readonly string[]): string {
    let text = "";
    for (let before = ""; this.#at < this.#tokens.length; ) {
      const token = this.#tokens[this.#at]!;
      if (ends.includes(token) && before !== "raise") return text;
      text += this.#next(token);
      if (token.trim()) before = token;
    }
    return text;
  }

  #next(token: string): string {
    this.#at++;
    switch (token) {
      case "(":
        return `(${this.#until([")"])}${this.#take(")")}`;
      case "case":
        return this.#case();
      case "if":
        return this.#if();
      case "loop":
        return `loop${this.#until(["end"])}${this.#take("end", "loop")}`;
      case "begin":
        return this.#block();
      default:
        return token;
    }
  }

  #if(): string {
    const [asked, condition] = this.#raw(["then"]);
    let [text, last] = [`if${asked}`, condition];
    text += `${this.#take("then")} ${this.#statement(`if ${last}`)}${this.#until(["elsif", "else", "end"])}`;
    while (this.#tokens[this.#at] === "elsif") {
      text += this.#take("elsif");
      const [next, other] = this.#raw(["then"]);
      last = other;
      text += `${next}${this.#take("then")} ${this.#statement(`if ${last}`)}${this.#until(["elsif", "else", "end"])}`;
    }
    const other = this.#statement(`unless ${last}`);
    if (this.#tokens[this.#at] === "else") text += `${this.#take("else")} ${other}${this.#until(["end"])}`;
    else text += `else ${other}`;
    return `${text}${this.#take("end", "if")}`;
  }

  /** As a CASE of conditions, whatever it was. What is counted is true: `null and x` would count as well. */
  #case(): string {
    const [operand, subject] = this.#raw(["when"]);
    let [text, last] = ["case", ""];
    while (this.#tokens[this.#at] === "when") {
      this.#take("when");
      const [asked, condition] = this.#raw(["then"]);
      last = subject ? `${subject} is ${condition}` : condition;
      const holds = subject ? `((${operand}) = (${asked}))` : `(${asked})`;
      this.#take("then");
      text += ` when ${holds} is true and ${this.#counter(`case ${last}`)} then ${this.#until(["when", "else", "end"])}`;
    }
    const otherwise = this.#counter(`case not ${last}`);
    const hasElse = this.#tokens[this.#at] === "else";
    if (hasElse) this.#take("else");
    return `${text} when ${otherwise} then ${hasElse ? this.#until(["end"]) : "null "}${this.#take("end")}`;
  }

  #block(): string {
    let text = `begin${this.#until(["exception", "end"])}`;
    if (this.#tokens[this.#at] === "exception") {
      text += this.#take("exception") + this.#until(["when"]);
      while (this.#tokens[this.#at] === "when") {
        text += this.#take("when");
        const [error, name] = this.#raw(["then"]);
        text += `${error}${this.#take("then")} ${this.#statement(`on ${name}`)}${this.#until(["when", "end"])}`;
      }
    }
    return text + this.#take("end");
  }

  /** The text as `#until` gives it, and its words as they are in the file, for a name. */
  #raw(ends: readonly string[]): [text: string, words: string] {
    const from = this.#at;
    const text = this.#until(ends);
    const words = this.#tokens.slice(from, this.#at).filter((token) => !token.startsWith("--"));
    return [text, words.join("").replace(/\s+/g, " ").trim()];
  }

  /** Takes words that must come now. */
  #take(...words: string[]): string {
    let text = "";
    for (const word of words) {
      while (!this.#tokens[this.#at]?.trim()) text += this.#tokens[this.#at++];
      if (this.#tokens[this.#at] !== word)
        throw new Error(`${this.#function} has ${this.#tokens[this.#at]} where ${word} is expected`);
      text += this.#tokens[this.#at++];
    }
    return text;
  }

  #statement(branch: string): string {
    return `perform ${this.#counter(branch)};`;
  }

  #counter(branch: string): string {
    const short = branch.length > NAMED_MAX ? `${branch.slice(0, NAMED_MAX)} …` : branch;
    const first = `${this.#function}: ${short}`;
    let name = first;
    for (let number = 2; this.#names.includes(name); number++) name = `${first} (${number})`;
    return `nextval('${counterOf(this.#names.push(name) - 1)}') > 0`;
  }
}

export const BRANCHES: readonly string[] = countBranches(CITY_FILES.functions!).names;
