import { NotServing } from '../core/errors.ts'
import type { LogFields } from '../core/log.ts'

/** Milliseconds. */
const EVERY_MS = 60_000

/**
 * Thins out what is logged while the database, or the store of files, does not answer: whatever goes on in the background fails then, again and again, and says so.
 * Of each message there is one line a minute, which tells how many there were (`times`). What became of a request is told of each.
 */
export class OutageLines {
  readonly #now: () => number
  readonly #lines = new Map<string, { toldMs: number; times: number }>()

  /** `now` counts milliseconds from any instant. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The fields that a line is to be written with; `undefined` where it is one too many. */
  thinned(fields: LogFields, message: string): LogFields | undefined {
    if (!isOutage(fields['err']) || 'request' in fields) return fields
    const now = this.#now()
    const line = this.#lines.get(message) ?? { toldMs: Number.NEGATIVE_INFINITY, times: 0 }
    this.#lines.set(message, line)
    line.times += 1
    if (now - line.toldMs < EVERY_MS) return undefined
    const { times } = line
    Object.assign(line, { toldMs: now, times: 0 })
    return times === 1 ? fields : { ...fields, times }
  }
}

const isOutage = (error: unknown): boolean =>
  error instanceof NotServing || (error instanceof Error && isOutage(error.cause))
