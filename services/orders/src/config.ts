/** Where the orders service takes its configuration from. */
import { serviceVariables } from "@teranga/kit/config.ts";
import { doorVariables } from "@teranga/kit/door-config.ts";
import { z } from "zod";

export const ordersVariables = z.object({ ...serviceVariables, ...doorVariables });
