import type { ConfigFlags } from '../config/load.ts'

/**
 * Makes what commander calls of a command, which gets the flags of the settings and its own arguments, and answers the
 * exit code.
 */
export type Action = <A extends readonly unknown[]>(
  run: (flags: ConfigFlags, ...args: A) => Promise<number>,
) => (...args: unknown[]) => Promise<void>
