import { prepareDataDirectory } from '../config/data-directory.ts'
import { type ConfigFlags, loadConfig } from '../config/load.ts'
import { createLog, type RootLog } from '../config/logging.ts'
import { removeStaleSocket } from '../http/stale-socket.ts'
import type { Cluster } from './cluster.ts'
import { passOverRotation, takeHangups } from './hangups.ts'
import { EXIT, type Host, say } from './host.ts'
import { type LoadedConfig, withConfig } from './settings.ts'
import { startFailure } from './start-errors.ts'
import { Supervisor } from './supervisor.ts'
import { createNotifier } from './systemd.ts'

/** Runs the server as several processes until a signal stops it. Answers the exit code. */
export const supervise = async (host: Host, cluster: Cluster, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, async loaded => {
    const log = createLog(loaded.config.logging, host.stdout)
    try {
      await prepare(loaded, log)
    } catch (error) {
      const reason = startFailure(error)
      if (reason === undefined) throw error
      say(host, reason)
      return EXIT.failed
    }
    return run(host, flags, { cluster, log, count: loaded.config.workers })
  })

/** What is made once for all workers; says what is allowed, but perhaps not meant. */
const prepare = async ({ config, file, warnings }: LoadedConfig, log: RootLog): Promise<void> => {
  const prepared = prepareDataDirectory(config, file)
  for (const { socket } of config.listeners) if (socket !== undefined) await removeStaleSocket(socket)
  for (const warning of [...warnings, ...prepared.warnings]) log.warn({}, warning)
}

const run = async (
  host: Host,
  flags: ConfigFlags,
  { log, ...workers }: { cluster: Cluster; log: RootLog; count: number },
): Promise<number> => {
  const notifier = createNotifier(host)
  const supervisor = new Supervisor({ ...workers, log })
  const stopped = stopSignal(host, log).then(() => 'stopped' as const)
  const hangups = takeHangups(host)
  passOverRotation(host, log)
  const started = await Promise.race([supervisor.start(), stopped])
  try {
    if (started === 'stopped') return EXIT.ok
    if ('failed' in started) return started.failed
    log.info({ workers: workers.count, urls: started.urls }, 'all workers listen')
    hangups.answerBy(() => void roll(host, flags, { supervisor, log, count: workers.count }))
    await notifier.ready()
    await stopped
    await notifier.stopping()
    return EXIT.ok
  } finally {
    await supervisor.stop()
    notifier.end()
    log.info({}, 'stopped')
  }
}

/** Resolves with the first signal to stop; the second ends the process. */
const stopSignal = (host: Host, log: RootLog): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let received = 0
  // On a terminal a hangup means that its window was closed.
  const signals = ['SIGTERM', 'SIGINT', ...(host.stdout.isTTY ? (['SIGHUP'] as const) : [])] as const
  for (const signal of signals) {
    host.onSignal(signal, () => {
      received += 1
      log.info({ signal }, 'stopping')
      if (received > 1) host.exit(EXIT.failed)
      else resolve()
    })
  }
  return promise
}

/** New workers read the settings again: with errors in them, the old ones stay. */
const roll = async (
  host: Host,
  flags: ConfigFlags,
  { supervisor, log, count }: { supervisor: Supervisor; log: RootLog; count: number },
): Promise<void> => {
  const loaded = loadConfig({ flags, env: host.env, cwd: host.cwd })
  if (!loaded.ok) {
    log.error({ errors: loaded.errors }, 'the new settings are wrong; the old ones stay in effect')
    return
  }
  log.setLevel(loaded.config.logging.level)
  if (loaded.config.workers !== count)
    log.warn({ needRestart: ['workers'] }, 'the number of workers stays until the next start')
  await supervisor.roll()
}
