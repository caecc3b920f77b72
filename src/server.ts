import type { FirstStart, Server, ServerOptions } from './cli/ports.ts'
import { type Composition, compose } from './composition/index.ts'
import { refuseIncompleteInstall } from './composition/installed.ts'
import { baseUrlOf } from './composition/options.ts'
import { rateLimitsOf, signingKeyPath } from './config/locations.ts'
import type { Config } from './config/schema/index.ts'
import { readKeyFile } from './config/signing-key.ts'
import type { Clock } from './core/clock.ts'
import { CertificateRenewal, readCertificate } from './http/certificates.ts'
import { type Listener, openListener } from './http/listener.ts'
import type { Connect } from './storage/open.ts'
import { systemClock } from './system-clock.ts'
import { boundYoungGeneration } from './young-generation.ts'

/** How long requests may take to finish once the server has been told to stop. */
const DRAIN_MS = 20_000
/** Where other processes go on to serve: how long clients may still ask on connections that they have kept. */
const LINGER_MS = 3_000

/** Opens the database and builds the services; nothing listens yet. */
export const createServer = async (
  config: Config,
  {
    log,
    clock = systemClock,
    figuresOfAll,
    invitesAdministrator = true,
    connect,
  }: ServerOptions & { readonly clock?: Clock; readonly connect?: Connect | undefined },
): Promise<Server> => {
  refuseIncompleteInstall()
  const composition = await compose({ config, log, clock, figuresOfAll, connect })
  const listeners: Listener[] = []
  const certificates = new CertificateRenewal({ clock, log })
  let firstStart: FirstStart | undefined
  let letGoOfHeap: (() => void) | undefined
  return {
    listen: async () => {
      for (const { host, port, socket, socketMode, tls, adminApi } of config.listeners) {
        const texts = tls && readCertificate(tls)
        const { app } = composition
        const handler = config.adminApi.enabled && adminApi ? app.handler : app.handlerForUsers
        const listener = await openListener({
          ...{ handler, host, port, ...(texts && { tls: texts }) },
          socket: socket === undefined ? undefined : { path: socket, mode: Number.parseInt(socketMode, 8) },
        })
        listeners.push(listener)
        if (tls && texts) certificates.add(listener, tls, texts)
      }
      composition.start()
      const urls = listeners.map(listener => listener.url)
      if (invitesAdministrator) firstStart = await firstStartFacts(config, composition, urls[0] ?? '')
      letGoOfHeap = boundYoungGeneration()
      return { urls }
    },
    close: async ({ othersServe = false } = {}) => {
      letGoOfHeap?.()
      await certificates.close()
      const closing = listeners.map(listener => listener.close(DRAIN_MS, othersServe ? LINGER_MS : 0))
      await composition.stop()
      await Promise.all(closing)
      await composition.processes.close()
      await composition.database.close()
    },
    stats: async () => ({
      rooms: await composition.services.roomReading.countRooms(),
      users: await composition.services.accounts.count(),
    }),
    // What else can change without a restart (the log level) is the command line's own.
    reconfigure: changed => {
      composition.app.setRateLimits(rateLimitsOf(changed), changed.rateLimits.exemptUsers)
      certificates.renew()
    },
    id: composition.processes.id,
    hasDied: id => composition.processes.hasDied(id),
    figures: () => composition.metrics.figures(),
    get firstStart() {
      return firstStart
    },
  }
}

const firstStartFacts = async (
  config: Config,
  { services, migrated }: Composition,
  url: string,
): Promise<FirstStart | undefined> => {
  const token = await services.accounts.setup.issue()
  if (token === undefined) return undefined
  // A socket has no address that a browser could open.
  const base = config.publicBaseUrl ?? (url.startsWith('unix:') ? baseUrlOf(config) : url)
  const [key] = readKeyFile(signingKeyPath(config)).keys
  return {
    setupUrl: `${base}/setup?token=${token}`,
    signingKeyId: key.keyId,
    migrations: migrated,
  }
}
