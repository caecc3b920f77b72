/**
 * Resolves when nothing in this process runs any more, nor waits for anything but the clock of a simulation: no turn of the
 * event loop is asked for, no thread works, no file is read.
 */
export const quiet = async (): Promise<void> => {
  if (isWaited) throw new Error('whoever else waits for quiet is not quiet')
  isWaited = true
  try {
    do await turn()
    while (isBusy())
  } finally {
    isWaited = false
  }
}

let isWaited = false

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Turns that are asked for, files, threads: neither time that passes by itself (servers have their own), nor what is printed. */
const KINDS = new Set(['Immediate', 'FSReqPromise', 'FSReqCallback'])

const isBusy = (): boolean => {
  const active = process.getActiveResourcesInfo()
  return active.some(kind => KINDS.has(kind)) || portsOf(active) > resting
}

const portsOf = (active: readonly string[]): number => active.filter(kind => kind === 'MessagePort').length

/** The ways to threads that this process holds open all the time, such as that to whoever has started it. */
const resting = portsOf(process.getActiveResourcesInfo())
