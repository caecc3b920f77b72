/** What goes with a log line: small, plain, and never a secret. An error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>

type Write = (fields: LogFields, message: string) => void

/**
 * Where services write what happened. `trace` and `debug` are for developers, `info` for what an operator wants to have
 * seen, `warn` for what they should look at, `error` for what is broken, `fatal` for what ends the process.
 */
export interface Log {
  readonly trace: Write
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  readonly fatal: Write
  /** A log whose lines all carry these fields. */
  child(fields: LogFields): Log
}

const nothing: Write = () => undefined

/** A log that nobody reads. */
export const silentLog: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => silentLog,
}
