import type { Host } from './host.ts'

/** Who answers SIGHUP, as soon as there is somebody. */
export interface Hangups {
  answerBy(listener: () => void): void
}

/**
 * Takes SIGHUP from now on, by which service managers have the settings read again: what nobody takes ends the process. One that comes
 * while the server starts is answered once it is up. On a terminal the signal says that its window was closed, and is left alone.
 */
export const takeHangups = (host: Host): Hangups => {
  let answer: (() => void) | undefined
  let isWaiting = false
  if (!host.stdout.isTTY) {
    host.onSignal('SIGHUP', () => {
      if (answer === undefined) isWaiting = true
      else answer()
    })
  }
  return {
    answerBy: listener => {
      answer = listener
      if (isWaiting) listener()
    },
  }
}
