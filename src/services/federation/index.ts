import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { SigningKey } from '../../core/signing.ts'
import { DEFAULT_BACKOFF } from '../../network/backoff.ts'
import type { FederationClient } from '../../network/federation-client.ts'
import type { ProxySettings } from '../../network/outbound-proxy.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import type { Database } from '../../storage/database.ts'
import type { Metrics } from '../metrics/index.ts'
import type { RoomCore } from '../rooms/index.ts'
import { Background } from './background.ts'
import { type CheckSignature, checkInThread } from './check-signature.ts'
import { openFederationNetwork } from './client.ts'
import { extensionPeers } from './extension-peers.ts'
import { createInbound, type Inbound } from './inbound/index.ts'
import type { MayBeInvited } from './inbound/invitations.ts'
import type { KeyValidity } from './inbound/third-party-invites.ts'
import { KeyFetcher } from './keys/key-fetcher.ts'
import { KeyRing } from './keys/key-ring.ts'
import { Notary } from './keys/notary.ts'
import { OwnKeys, type RetiredKey } from './keys/own-keys.ts'
import { type FederationOptions, type Permits, permitsOf } from './options.ts'
import { createOutbound, type Outbound } from './outbound/index.ts'
import { policyAsker } from './policy-servers.ts'
import { EventVerifier } from './verify-event.ts'
import { RequestVerifier, type SignedRequest } from './verify-request.ts'

export type { FederationOptions } from './options.ts'

export interface FederationParts {
  readonly core: RoomCore
  readonly config: FederationOptions
  readonly caFile?: string | undefined
  readonly proxy?: ProxySettings | undefined
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Every key that is in use; by default the one that signs events. */
  readonly signingKeys?: readonly SigningKey[]
  readonly retiredKeys?: readonly RetiredKey[]
  /** The version of the program, for who asks. */
  readonly version?: string
  readonly metrics?: Metrics['federation'] | undefined
  /** Tests: the way to other servers, in place of the network. */
  readonly client?: FederationClient
  /** Simulations: how signatures of others are checked, in place of threads, which come when they please. */
  readonly checkSignature?: CheckSignature
  /** Tests: how much of a gap is caught up with, if not as usual. */
  readonly maxGap?: Parameters<typeof createInbound>[0]['maxGap']
  /** Who says whether the keys of invitations to addresses still count. */
  readonly identityServers?: KeyValidity
  /** Who may be invited by users of other servers; by default whoever has an account here that is in use. */
  readonly mayBeInvited?: MayBeInvited
}

/** This server among the others. */
export interface Federation
  extends Pick<
      Outbound,
      | 'remote'
      | 'queryAlias'
      | 'queryProfile'
      | 'fetchHistory'
      | 'reachBack'
      | 'queueEdu'
      | 'keepEdus'
      | 'resetBackoff'
    >,
    Pick<
      Inbound,
      | 'gate'
      | 'handshakes'
      | 'invitations'
      | 'thirdPartyInvites'
      | 'transactions'
      | 'history'
      | 'eventsByTime'
    > {
  readonly ownKeys: OwnKeys
  readonly notary: Notary
  readonly client: FederationClient
  /** What others are told that they talk to. */
  readonly software: { readonly name: string; readonly version: string }
  /** Whether another server knows our extensions. Throws as `extensionPeers`. */
  areOurs(server: string): Promise<boolean>
  /** What is called of every server that has proven to be there. */
  readonly onHeardOf: ((server: string) => void)[]
  /** See `RequestVerifier.verify`. */
  verifyRequest(request: SignedRequest): Promise<void>
  /** Resolves once everything that was received is part of its room. */
  idle(): Promise<void>
  /** Goes on with what an earlier process has left, and begins what runs in the background. */
  start(): void
  close(): Promise<void>
}

/** Puts together both sides of federation. Nothing is sent or worked on before `start`. */
export const createFederation = (parts: FederationParts): Federation => {
  const { core, config, database, clock } = parts
  const log = parts.log.child({ part: 'federation' })
  const { serverName } = core.context
  const permits = permitsOf(config)
  const network = networkOf(parts, permits)
  const { client } = network
  const ownKeys = new OwnKeys({
    serverName,
    active: parts.signingKeys ?? [core.signingKey],
    retired: parts.retiredKeys ?? [],
    clock,
  })
  const fetcher = new KeyFetcher({ client, clock, log, permits, notaries: config.trustedKeyServers })
  const keys = new KeyRing({ own: ownKeys, fetcher, database, clock })
  const verifier = new EventVerifier(keys, parts.checkSignature)
  const outbound = createOutbound({
    core,
    federation: client,
    verifyEvents: (pdus, version, options) => verifier.verifyAll(pdus, version, options),
    expectKeysOf: server => void keys.expect(server),
    permits,
    policy: { ...DEFAULT_BACKOFF, initialMs: config.backOff.min, maxMs: config.backOff.max },
    clock,
    log,
    metrics: parts.metrics,
  })
  const users = new UserReader(database)
  const inbound = createInbound({
    core,
    client,
    verifier: new EventVerifier(keys, parts.checkSignature, 'peers'),
    verifierOfFetched: verifier,
    mayBeInvited: parts.mayBeInvited ?? (userId => users.isActive(userId)),
    keys: parts.identityServers,
    joinsIdle: outbound.joinsIdle,
    remindOfLeaves: outbound.remindOfLeaves,
    maxGap: parts.maxGap,
    log,
    metrics: parts.metrics,
  })
  const onHeardOf = [(server: string) => keys.forgive(server), outbound.resetBackoff]
  const requests = new RequestVerifier({
    check: parts.checkSignature ?? checkInThread,
    serverName,
    keys,
    clock,
    permits,
    onHeardOf: server => {
      for (const listener of onHeardOf) listener(server)
    },
  })
  core.writer.askPolicyServer = policyAsker({ client, clock })
  const background = new Background({ inbound, outbound, processes: core.context.processes, clock, log })
  const { gate, handshakes, invitations, thirdPartyInvites, transactions, history, eventsByTime } = inbound
  const { remote, queryAlias, queryProfile, fetchHistory, reachBack, queueEdu, keepEdus, resetBackoff } =
    outbound
  return {
    ...{ gate, handshakes, invitations, thirdPartyInvites, transactions, history, eventsByTime },
    ...{ remote, queryAlias, queryProfile, fetchHistory, reachBack, queueEdu, keepEdus, resetBackoff },
    ownKeys,
    client,
    software: { name: 'Tessera', version: parts.version ?? 'unknown' },
    areOurs: extensionPeers({ client, clock }),
    notary: new Notary({ own: ownKeys, ring: keys, clock, permits }),
    onHeardOf,
    verifyRequest: request => requests.verify(request),
    idle: () => inbound.inbox.idle(),
    start: () => background.start(),
    close: async () => {
      await background.close()
      await network.close()
    },
  }
}

const networkOf = ({ client, core, config, caFile, proxy, clock }: FederationParts, permits: Permits) =>
  client === undefined
    ? openFederationNetwork({
        options: config,
        ...{ caFile, proxy },
        serverName: core.context.serverName,
        signingKey: core.signingKey,
        permits,
        clock,
      })
    : { client, close: async () => {} }
