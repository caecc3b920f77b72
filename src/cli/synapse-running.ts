import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { option, type SynapseSettings, synapsePath, textOption } from '../config/synapse/settings.ts'
import type { SynapseSource } from '../storage/synapse/source.ts'

/** Why Synapse seems to be running, if it does: what it would write now would be lost. */
export const synapseSeemsToRun = async (
  settings: SynapseSettings,
  source: SynapseSource,
  cwd: string,
  patienceMs = PATIENCE_MS,
): Promise<string | undefined> => {
  const pid = livingProcess(settings, cwd)
  if (pid !== undefined) return `its process ${pid} is alive`
  for (const port of ports(settings))
    if (await answers(port, patienceMs)) return `something answers on its port ${port} of this machine`
  const others = await source.othersConnected()
  return others === 0 ? undefined : `others are connected to its database as the same user (${others})`
}

const livingProcess = (settings: SynapseSettings, cwd: string): number | undefined => {
  const file = textOption(settings, 'pid_file')
  if (file === undefined) return undefined
  try {
    const pid = Number(readFileSync(synapsePath(settings, cwd, file), 'utf8').trim())
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // A process of another user is one all the same.
    const isForeign = error instanceof Error && 'code' in error && error.code === 'EPERM'
    return isForeign ? Number(readFileSync(synapsePath(settings, cwd, file), 'utf8').trim()) : undefined
  }
}

const ports = ({ tree }: SynapseSettings): number[] => {
  const listeners = option(tree, ['listeners'])
  if (!Array.isArray(listeners)) return []
  return listeners
    .map(listener => option(listener, ['port']))
    .filter(port => Number.isInteger(port)) as number[]
}

/** The machine itself answers for its ports, at once. */
const PATIENCE_MS = 1_000

const answers = (port: number, patienceMs: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: patienceMs })
    const end = (isOpen: boolean) => (): void => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.on('connect', end(true)).on('error', end(false))
    // On a busy machine the time may be over before it is looked what has come: that is looked at first.
    socket.on('timeout', () => setImmediate(end(false)))
  })
