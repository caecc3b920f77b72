import { randomBytes } from 'node:crypto'
import { databaseLocation, signingKeyPath } from '../config/locations.ts'
import type { Config } from '../config/schema/index.ts'
import { readKeyFile } from '../config/signing-key.ts'
import { programVersion } from '../config/version.ts'
import { decodeBase64, encodeBase64 } from '../core/base64.ts'
import { setCacheBudget } from '../core/caches.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { type SigningKey, signingKeyFromSeed } from '../core/signing.ts'
import type { FederationClient } from '../network/federation-client.ts'
import { openIdentityServers } from '../network/identity-servers.ts'
import { Accounts } from '../services/accounts/index.ts'
import type { CheckSignature } from '../services/federation/check-signature.ts'
import { createFederation } from '../services/federation/index.ts'
import type { RetiredKey } from '../services/federation/keys/own-keys.ts'
import { createMetrics } from '../services/metrics/index.ts'
import { Processes } from '../services/processes.ts'
import { storedPosition } from '../services/push/judged-steps.ts'
import { createRoomCore } from '../services/rooms/index.ts'
import type { Resolver } from '../services/rooms/resolver.ts'
import type { Database } from '../storage/database.ts'
import { NidAllocator } from '../storage/nids.ts'
import { type Connect, type Migrated, openDatabase } from '../storage/open.ts'
import { Health } from './health.ts'
import { accountsOptionsOf, cacheBudgetOf, mailerOf, outgoingOf } from './options.ts'
import { openProviders } from './providers.ts'

/** What a server is made for. */
export interface Circumstances {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  /** The figures of all processes of the server on this machine, where there are several. */
  readonly figuresOfAll?: (() => Promise<readonly object[]>) | undefined
  readonly surroundings?: Surroundings | undefined
  /** How connections to a database server come about, if not as usual. */
  readonly connect?: Connect | undefined
}

/** What stands, in a simulation, for the machine and the network. */
export interface Surroundings {
  readonly database: Database
  readonly signingKey: SigningKey
  readonly random: (size: number) => Uint8Array
  /** The way to other servers. */
  readonly client: FederationClient
  readonly resolver: Resolver
  readonly checkSignature: CheckSignature
}

/** What everything else stands on: the database, accounts, the writing of rooms, and other servers. */
export const layFoundation = async ({
  config,
  log,
  clock,
  figuresOfAll,
  surroundings,
  connect,
}: Circumstances) => {
  const { serverName } = config
  setCacheBudget(cacheBudgetOf(config))
  const keys: readonly [SigningKey, ...SigningKey[]] =
    surroundings === undefined ? signingKeys(config) : [surroundings.signingKey]
  const [signingKey] = keys
  const random = surroundings?.random ?? randomBytes
  const metrics = createMetrics({ process: surroundings === undefined, ofAll: figuresOfAll })
  const health = new Health(clock)
  let migrated: Migrated = { applied: 0, milliseconds: 0 }
  const database =
    surroundings?.database ??
    (await openDatabase(
      { ...databaseLocation(config), ...(connect && { connect }) },
      {
        onMigrated: done => {
          migrated = done
          log.info({ part: 'database', ...done }, 'the database schema was brought up to date')
        },
        log: (level, message) => log[level]({ part: 'database' }, message),
        meter: health.watching(metrics.database),
        forService: true,
      },
    ))
  const processes = new Processes({
    ...{ database, clock, log },
    leaseMs: config.database.lease,
  })
  const nids = await NidAllocator.open(database, 'rooms')
  /** Before anybody asks: a response says up to where its counts are right. */
  const counted = await storedPosition(database)
  /** The way out for e-mail, if the operator has named one. */
  const mailer = mailerOf(config, clock)
  const identityServers = openIdentityServers({
    ...{ ...config.federation, ...outgoingOf(config, clock) },
    ...{ serverName, signingKey },
  })
  const { providers, running: toProviders } = openProviders(config, clock)
  const accounts = new Accounts({
    database,
    clock,
    options: accountsOptionsOf(config),
    random,
    mailer,
    identityServers,
    providers,
    bulletin: processes.bulletin,
    onError: error => log.error({ err: error }, 'work on accounts failed in the background'),
    onProviderFailure: (provider, reason) =>
      log.warn(
        { part: 'sign-in', provider, reason: reason.message },
        'a provider did not say who somebody is',
      ),
  })
  const core = createRoomCore({
    database,
    nids,
    clock,
    serverName,
    signingKey,
    random,
    log,
    metrics: metrics.rooms,
    processes,
    ...(surroundings && { resolver: surroundings.resolver }),
  })
  const federation = createFederation({
    core,
    config: config.federation,
    caFile: config.caFile,
    proxy: config.outboundProxy,
    database,
    clock,
    log,
    signingKeys: keys,
    retiredKeys: retiredKeys(config),
    ...(surroundings && { client: surroundings.client, checkSignature: surroundings.checkSignature }),
    version: programVersion(),
    metrics: metrics.federation,
    identityServers,
    mayBeInvited: userId => accounts.ofServices.isUserOrMade(userId),
  })
  accounts.hooks.remoteProfile = federation.queryProfile
  const accountsRunning = [accounts, identityServers, ...(mailer ? [mailer] : []), ...toProviders]
  return {
    database,
    health,
    processes,
    migrated,
    metrics,
    accounts,
    core,
    federation,
    identityServers,
    mailer,
    accountsRunning,
    counted,
  }
}

export type Foundation = Awaited<ReturnType<typeof layFoundation>>

/** The keys that signed before. */
const retiredKeys = (config: Config): RetiredKey[] =>
  Object.entries(config.retiredSigningKeys).map(([keyId, { publicKey, expired }]) => ({
    keyId,
    publicKey: encodeBase64(decodeBase64(publicKey) ?? new Uint8Array()),
    expiredTs: Date.parse(expired),
  }))

/** The keys of the key file; the first signs. */
const signingKeys = (config: Config): [SigningKey, ...SigningKey[]] => {
  const { keys } = readKeyFile(signingKeyPath(config))
  const [first, ...others] = keys
  return [
    signingKeyFromSeed(first.keyId, first.seed),
    ...others.map(({ keyId, seed }) => signingKeyFromSeed(keyId, seed)),
  ]
}
