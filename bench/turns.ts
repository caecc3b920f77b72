/**
 * Loaded into a server that is measured (`node --import`): writes into a file, line by line, which turns of its event
 * loop took the longest, as milliseconds of CPU of the main thread. Neighbours on the machine lengthen a turn, but not
 * that.
 */
import { appendFileSync } from 'node:fs'

const EVERY_MS = 2
/** Shorter ones are of no interest. */
const FROM_MS = 20

const file = process.env['TESSERA_BENCH_TURNS']
if (file !== undefined) {
  let before = process.threadCpuUsage()
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before)
    before = process.threadCpuUsage()
    const milliseconds = (user + system) / 1000
    if (milliseconds >= FROM_MS) appendFileSync(file, `${Date.now()} ${milliseconds.toFixed(1)}\n`)
  }, EVERY_MS).unref()
}
