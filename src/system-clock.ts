import { setTimeout } from 'node:timers/promises'
import type { Clock } from './core/clock.ts'

/** Node's timers take no more (25 days): what is longer would end at once. */
const LONGEST_MS = 2 ** 31 - 1

/** The time of this machine. Whoever sleeps for longer than its timers can is woken early, and looks again. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    setTimeout(Math.min(ms, LONGEST_MS), undefined, signal === undefined ? {} : { signal }),
}
