/** The driver's types of PostgreSQL. */
import type postgres from "postgres";

export type Sql = postgres.Sql;
/** The pool or an open transaction. */
export type Queryable = postgres.ISql;
/** A part of a statement. */
export type Fragment = postgres.Fragment;
