import { lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'

/** Removes a UNIX socket that a killed process has left: one on which nobody answers. Whatever else is there stays. */
export const removeStaleSocket = async (path: string): Promise<void> => {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return
  const probe = connect(path)
  const isStale = await new Promise<boolean>(resolve => {
    probe.once('connect', () => resolve(false))
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
  probe.destroy()
  if (isStale) rmSync(path, { force: true })
}
