/** The configuration of the orders service. */

import { doorVariables } from "@teranga/kit/http/door-config.ts";
import { serviceVariables } from "@teranga/kit/process/config.ts";
import { z } from "zod";

export const ordersVariables = z.object({ ...serviceVariables, ...doorVariables });
