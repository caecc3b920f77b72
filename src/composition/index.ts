import { endpoints } from '../api/index.ts'
import { rateLimitsOf } from '../config/locations.ts'
import { createHttpApp, type HttpApp } from '../http/app.ts'
import { LIMITS_PATH } from '../http/pages/limits.ts'
import type { Services } from '../services/index.ts'
import type { Metrics } from '../services/metrics/index.ts'
import type { Processes } from '../services/processes.ts'
import type { RoomCore } from '../services/rooms/index.ts'
import type { Database } from '../storage/database.ts'
import type { Migrated } from '../storage/open.ts'
import { composeDomain } from './domain.ts'
import { type Circumstances, layFoundation } from './foundation.ts'
import { baseUrlOf } from './options.ts'
import { serverPages } from './pages.ts'
import type { Running } from './running.ts'
import { shareLimits } from './shared-limits.ts'

/** Everything that runs, in the order of construction, which is the order of the layers; closed in reverse. */
export interface Composition {
  readonly database: Database
  /** This process and others on the database; closed last, when nobody asks for anything any more. */
  readonly processes: Processes
  readonly metrics: Metrics
  /** What this start has done to the schema. */
  readonly migrated: Migrated
  readonly services: Services
  /** What writes rooms, for whoever looks at a server from within. */
  readonly core: RoomCore
  readonly app: HttpApp
  start(): void
  /** Ends what waits (long polls) and what runs in the background. */
  stop(): Promise<void>
}

/** Builds everything; nothing runs before `start`. */
export const compose = async (circumstances: Circumstances): Promise<Composition> => {
  const { config, log, clock } = circumstances
  const foundation = await layFoundation(circumstances)
  const { database, health, processes, migrated, metrics, accounts, core, federation } = foundation
  const { services, running, mailPushers } = composeDomain(circumstances, foundation)
  const all: readonly Running[] = [...foundation.accountsRunning, federation, ...running]
  const app = createHttpApp({
    endpoints,
    services,
    authenticate: (token, context) =>
      services.appServices.identity.identify(token, context) ?? accounts.authenticate(token, context),
    verifyRequest: request => federation.verifyRequest(request),
    isServiceToken: services.appServices.registry.isServiceToken,
    log,
    clock,
    rateLimits: rateLimitsOf(config),
    exemptUsers: config.rateLimits.exemptUsers,
    trustedProxies: config.listeners.flatMap(listener => listener.trustedProxies),
    limitInfoUri: `${baseUrlOf(config)}${LIMITS_PATH}`,
    pages: serverPages({
      config,
      accounts,
      mailPushers,
      clock,
      metrics,
      check: health.checkOf(database),
    }),
    onResponse: outcome => metrics.http.answered(outcome),
  })
  accounts.hooks.guesses = {
    check: whom => app.limiter.check('wrong-password', whom, 0),
    wrong: whom => app.limiter.check('wrong-password', whom),
  }
  federation.invitations.checks.push(async ({ userId }) => app.limiter.check('invited', userId))
  const started = [...all, shareLimits(app.limiter, { processes, clock })]
  return {
    database,
    processes,
    metrics,
    migrated,
    services,
    core,
    app,
    start: () => {
      for (const one of started) one.start?.()
    },
    stop: async () => {
      for (const one of started.toReversed()) await one.close()
    },
  }
}
