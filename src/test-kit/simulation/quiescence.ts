/**
 * Resolves when nothing in this process runs any more, nor waits for anything but the clock of a simulation: no turn of the
 * event loop is asked for, no thread works, no file is read.
 */
export const quiet = async (): Promise<void> => {
  if (isWaited) throw new Error('whoever else waits for quiet is not quiet')
  isWaited = true
  try {
    do await turn()
    while (busy() > resting)
  } finally {
    isWaited = false
  }
}

let isWaited = false

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Turns that are asked for, files, threads: neither time that passes by itself (servers have their own), nor what is printed. */
const KINDS = new Set(['Immediate', 'FSReqPromise', 'FSReqCallback', 'MessagePort'])

const busy = (): number => process.getActiveResourcesInfo().filter(kind => KINDS.has(kind)).length

/** What this process holds open all the time, such as the way to whoever has started it. */
const resting = busy()
