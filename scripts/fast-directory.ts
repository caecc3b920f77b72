import { chmodSync, globSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Memory as a file system, which most Linux systems have. */
const IN_MEMORY = '/dev/shm'
const PREFIX = 'tessera-tests-'

/** Bytes: the tests never have a tenth of that at a time, and leave most of the machine's memory to others. */
const ROOM_WANTED = 4 * 1024 ** 3

/** Milliseconds after which a run that has not removed its directory was killed. */
const LEFT_BEHIND_AFTER = 3_600_000

/**
 * A new directory in memory for the temporary files of a run of tests, which removes it; `undefined` where there is none, or
 * not enough room (a container has 64 MB unless told otherwise). A PostgreSQL database is a thousand files: to copy it takes
 * ten times as long on a disk.
 */
export const makeFastDirectory = (): string | undefined => {
  try {
    removeLeftBehind()
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    if (bavail * bsize < ROOM_WANTED || process.availableMemory() < ROOM_WANTED) return undefined
    const directory = mkdtempSync(join(IN_MEMORY, PREFIX))
    // PostgreSQL may run as another user, whose own directory is in it.
    chmodSync(directory, 0o711)
    return directory
  } catch {
    return undefined
  }
}

const removeLeftBehind = (): void => {
  for (const path of globSync(join(IN_MEMORY, `${PREFIX}*`)))
    if (Date.now() - statSync(path).mtimeMs > LEFT_BEHIND_AFTER)
      rmSync(path, { recursive: true, force: true })
}
