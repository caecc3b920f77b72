import { prepareDataDirectory } from '../config/data-directory.ts'
import type { ConfigFlags } from '../config/load.ts'
import { databaseLocation } from '../config/locations.ts'
import { createLog } from '../config/logging.ts'
import { removeStaleSocket } from '../http/stale-socket.ts'
import type { Cluster } from './cluster.ts'
import { EXIT, type Host, say } from './host.ts'
import { type LoadedConfig, withConfig } from './settings.ts'
import { Supervisor } from './supervisor.ts'
import { createNotifier } from './systemd.ts'

/** Runs the server as several processes until a signal stops it. Answers the exit code. */
export const supervise = async (host: Host, cluster: Cluster, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, async ({ config, file }: LoadedConfig) => {
    if (databaseLocation(config).kind === 'sqlite') {
      say(
        host,
        'Several workers need a PostgreSQL database (database.url), since SQLite belongs to one process: name one, or leave workers at 1.',
      )
      return EXIT.badConfig
    }
    const log = createLog(config.logging, host.stdout)
    const notifier = createNotifier(host)
    prepareDataDirectory(config, file)
    for (const { socket } of config.listeners) if (socket !== undefined) await removeStaleSocket(socket)
    const supervisor = new Supervisor({ cluster, count: config.workers, log })
    const stop = Promise.withResolvers<void>()
    let received = 0
    for (const signal of [
      'SIGTERM',
      'SIGINT',
      ...(host.stdout.isTTY ? (['SIGHUP'] as const) : []),
    ] as const) {
      host.onSignal(signal, () => {
        received += 1
        log.info({ signal }, 'stopping')
        if (received > 1) host.exit(EXIT.failed)
        else stop.resolve()
      })
    }
    const stopped = stop.promise.then(() => 'stopped' as const)
    const started = await Promise.race([supervisor.start(), stopped])
    try {
      if (started === 'stopped') return EXIT.ok
      if ('failed' in started) return started.failed
      log.info({ workers: config.workers, urls: started.urls }, 'all workers listen')
      if (!host.stdout.isTTY) host.onSignal('SIGHUP', () => void roll(host, flags, supervisor))
      await notifier.ready()
      await stopped
      await notifier.stopping()
      return EXIT.ok
    } finally {
      await supervisor.stop()
      notifier.end()
      log.info({}, 'stopped')
    }
  })

/** New workers read the settings again: with errors in them, the old ones stay. */
const roll = (host: Host, flags: ConfigFlags, supervisor: Supervisor): Promise<number> =>
  withConfig(host, flags, async () => {
    await supervisor.roll()
    return EXIT.ok
  })
