import type { ConfigFlags } from '../config/load.ts'
import { createLog } from '../config/logging.ts'
import { collectGarbageOfStart } from '../garbage-of-start.ts'
import { reachable } from './banner.ts'
import type { Supervision } from './cluster.ts'
import { passOverRotation } from './hangups.ts'
import { EXIT, type Host, say } from './host.ts'
import type { Server } from './ports.ts'
import { withConfig } from './settings.ts'
import { startFailure } from './start-errors.ts'

/** Asks the supervisor for the figures of all workers. */
const figuresOfAll = (supervision: Supervision): (() => Promise<readonly object[]>) => {
  const waiting = new Map<number, (figures: readonly object[]) => void>()
  let queries = 0
  supervision.onOrder(order => {
    if (order.type !== 'all figures') return
    waiting.get(order.query)?.(order.figures)
    waiting.delete(order.query)
  })
  return () =>
    new Promise(resolve => {
      const query = ++queries
      waiting.set(query, resolve)
      supervision.report({ type: 'all figures', query })
    })
}

/**
 * Runs one of several workers until the supervisor stops it. Signals for the whole group of processes, such as that of
 * Ctrl-C, are the supervisor's. Answers the exit code.
 */
export const work = (host: Host, supervision: Supervision, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, async ({ config }) => {
    const log = createLog(config.logging, host.stdout, { worker: supervision.worker })
    const crash = (error: unknown): number => {
      log.fatal({ err: error }, 'a fault of the program ends it')
      return EXIT.failed
    }
    host.onCrash(error => host.exit(crash(error)))
    const stop = Promise.withResolvers<void>()
    let server: Server | undefined
    for (const signal of ['SIGINT', 'SIGHUP'] as const) host.onSignal(signal, () => undefined)
    host.onSignal('SIGTERM', () => stop.resolve())
    passOverRotation(host, log)
    supervision.onLost(() => stop.resolve())
    supervision.onOrder(order => {
      if (order.type === 'stop') stop.resolve()
      if (order.type === 'died')
        server?.hasDied?.(order.id).catch(error => log.warn({ err: error }, 'leases could not be freed'))
      if (order.type === 'figures')
        server
          ?.figures?.()
          .then(figures => supervision.report({ type: 'figures', query: order.query, figures }))
          .catch(error => log.warn({ err: error }, 'figures could not be given'))
    })
    try {
      const { createServer } = await host.loadServer()
      server = await createServer(config, {
        log,
        figuresOfAll: figuresOfAll(supervision),
        invitesAdministrator: supervision.worker === 1,
      })
      const { urls } = await server.listen()
      if (server.firstStart !== undefined)
        say(host, `Make the first account at ${reachable(server.firstStart.setupUrl)}`)
      log.info({ urls, pid: process.pid }, 'listening')
      supervision.report({ type: 'listening', id: server.id ?? '', urls })
      setImmediate(collectGarbageOfStart)
      await stop.promise
      log.info({}, 'stopping')
      await server.close({ othersServe: true })
      log.info({}, 'stopped')
      return EXIT.ok
    } catch (error) {
      const reason = startFailure(error)
      if (reason === undefined) return crash(error)
      say(host, reason)
      return EXIT.failed
    }
  })
