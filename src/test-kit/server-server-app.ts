import { endpoints } from '../api/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { createHttpApp } from '../http/app.ts'
import type { RateLimitSettings } from '../http/rate-limit.ts'
import type { Federation, FederationOptions } from '../services/federation/index.ts'
import type { Services } from '../services/index.ts'
import type { Operation } from '../spec/operation.ts'
import { operations } from '../spec/operations.ts'

export const FEDERATION_OPTIONS: FederationOptions = {
  enabled: true,
  denyAddresses: [],
  allowAddresses: [],
  denyServers: [],
  trustedKeyServers: [],
  backOff: { min: 1_000, max: 60_000 },
  requestTimeout: 60_000,
  hosts: {},
}

/** The operations that servers ask each other for. */
const SERVER_SERVER = {
  operations: Object.fromEntries(
    Object.entries<Operation>(operations).filter(([, { paths }]) =>
      paths.some(path => /^\/_matrix\/(federation|key)\//.test(path)),
    ),
  ),
  get endpoints() {
    return endpoints.filter(({ operationId }) => Object.hasOwn(this.operations, operationId))
  },
}

/** The endpoints that servers ask each other for, over as many services as those need. */
export const serverServerApp = ({
  services,
  federation,
  ...rest
}: {
  services: Partial<Services>
  federation: Federation
  log: Log
  clock: Clock
  rateLimits: RateLimitSettings
}): ReturnType<typeof createHttpApp> =>
  createHttpApp({
    ...SERVER_SERVER,
    ...rest,
    // Accounts are not part of it.
    services: services as Services,
    authenticate: () => Promise.reject(new Error('no clients here')),
    verifyRequest: request => federation.verifyRequest(request),
  })
