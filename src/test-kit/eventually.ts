import { setTimeout } from 'node:timers/promises'
import { tellState } from './waiting.ts'

/** Only turns a hanging test into one that says what did not come, so it may be long: machines are busy at times. */
const PATIENCE_MS = 100_000
/** Between two looks: at first hardly anything, then longer, since looking takes away from what is waited for. */
const FIRST_PAUSE_MS = 2
const LAST_PAUSE_MS = 40

/** Resolves once `check` answers true, looking again and again; throws after 100 seconds, naming what it waited for. */
export const eventually = async (what: string, check: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + PATIENCE_MS
  for (let pause = FIRST_PAUSE_MS; !(await check()); pause = Math.min(pause * 1.5, LAST_PAUSE_MS)) {
    if (Date.now() > deadline) {
      await tellState()
      throw new Error(`waited in vain: ${what}`)
    }
    await setTimeout(pause)
  }
}
