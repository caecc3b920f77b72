/** An instant of PostgreSQL in milliseconds since 1970. */
export const instant = (column: string): string => `CAST(EXTRACT(EPOCH FROM ${column}) * 1000 AS bigint)`
