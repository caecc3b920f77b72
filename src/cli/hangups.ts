import type { Log } from '../core/log.ts'
import type { Host } from './host.ts'

/**
 * Passes over the signals by which other programs begin new log files. Left alone, one would end the process, and the other have Node.js
 * open its debugger to whoever is on the machine.
 */
export const passOverRotation = (host: Host, log: Log): void => {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    host.onSignal(signal, () =>
      log.info({ signal }, 'a signal that means nothing here: the log goes to standard output'),
    )
  }
}

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
