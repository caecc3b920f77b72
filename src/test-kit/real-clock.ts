import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'

/** The time of the machine, for tests with real sockets. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, signal === undefined ? {} : { signal }),
}
