import type { Clock } from '../core/clock.ts'
import { OutboundError } from './outbound-error.ts'

/**
 * Runs some work under a deadline. The work gets a signal that is aborted with a `timeout` when the time has passed,
 * or with the outer signal's reason; it is expected to end then.
 *
 * @param ms the time in milliseconds.
 */
export const withDeadline = async <T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const deadline = new AbortController()
  const done = new AbortController()
  clock.sleep(ms, done.signal).then(
    () => deadline.abort(new OutboundError('timeout', `no answer within ${ms} ms`)),
    () => undefined,
  )
  try {
    return await work(outer === undefined ? deadline.signal : AbortSignal.any([outer, deadline.signal]))
  } finally {
    done.abort()
  }
}

/** A promise that also ends when a signal is aborted; what it waits for goes on for others. */
export const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
