/**
 * Goal: whoever sets a number wrong reads what is wrong with it. Method: every numeric variable of every
 * program, set wrong in each way.
 */
import { catalogVariables } from "@teranga/catalog/config.ts";
import { cityVariables } from "@teranga/city/config.ts";
import { gatewayVariables } from "@teranga/gateway/config.ts";
import { proxyVariables } from "@teranga/gateway/proxy/proxy-config.ts";
import { readConfig } from "@teranga/kit/config.ts";
import { ordersVariables } from "@teranga/orders/config.ts";
import { expect, test } from "vitest";
import { z } from "zod";

const numeric = Object.entries({
  ...catalogVariables.shape,
  ...ordersVariables.shape,
  ...proxyVariables.shape,
  ...gatewayVariables.shape,
  ...cityVariables.shape,
}).filter(
  ([, schema]) => typeof schema.safeParse(undefined).data === "number" || schema === cityVariables.shape.PORT,
);

test.each(numeric)("%s", (name, schema) => {
  const told = (text: string) => {
    try {
      return readConfig(z.object({ [name]: schema }), { [name]: text });
    } catch (error) {
      return (error as Error).message;
    }
  };
  const refusals = ["much", "-1", "1e12"].map(told);
  if (name.endsWith("PORT")) {
    const refusal = (text: string) => `Configuration: ${name}: "${text}" is not a port (0 to 65535)`;
    expect(refusals).toEqual([refusal("much"), refusal("-1"), refusal("1e12")]);
    return;
  }
  expect(refusals).toEqual([
    `Configuration: ${name}: is not a number`,
    expect.stringMatching(`^Configuration: ${name}: must be \\d+ or more$`),
    expect.stringMatching(`^Configuration: ${name}: must be \\d+ or less$`),
  ]);
});
