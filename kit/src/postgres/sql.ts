/** PostgreSQL, as the driver gives it. */
import type postgres from "postgres";

export type Sql = postgres.Sql;
/** The pool or an open transaction: what one database operation needs. */
export type Queryable = postgres.ISql;
