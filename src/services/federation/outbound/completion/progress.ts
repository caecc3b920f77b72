import type { OutboundContext } from '../context.ts'

/** Progress of a large room is told at every such part of it. */
const TOLD_EVERY = 5_000

/** Tells in the log how far each step of a completion has come, with what it is about. */
export const progressIn = (
  log: OutboundContext['log'],
  about: { readonly room: string; readonly server?: string },
): ((what: string, done: number, of: number) => void) => {
  let told = 0
  return (what, done, of) => {
    if (done < told) told = 0
    if (done - told < TOLD_EVERY) return
    told = done
    log.info({ ...about, done, of }, `members of a room: ${what}`)
  }
}
