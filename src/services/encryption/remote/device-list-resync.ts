import { serverNameOf } from '../../../core/ids.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { UserDevices } from '../../../network/federation/devices.ts'
import { FederationError } from '../../../network/federation/federation-error.ts'
import type { CallOptions } from '../../../network/federation/requester.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import type { CrossSigningKeyRow } from '../../../storage/encryption/cross-signing-keys.ts'
import { inTime } from '../../rooms/in-time.ts'
import type { EncryptionContext } from '../context.ts'
import { MAX_CROSS_SIGNING_KEY, publicKeyOf } from '../cross-signing-key.ts'
import { DEFAULT_TIMEOUT_MS, type RemoteKeys } from '../ports.ts'
import { shownName, withinReason } from './device-bounds.ts'

/** A list that changes faster than it can be fetched is left for later. */
const MAX_ATTEMPTS = 3

/** Stale lists that are looked up in one round. */
const ROUND = 100

/** Whether all who have asked for what is fetched still wait for it; nobody need have, of what is fetched by itself. */
interface Asked {
  allWait: boolean
}

interface Refreshing {
  readonly isGood: Promise<boolean>
  readonly asked: Asked
}

/** Fetches the devices of remote users whole, where what is kept of them is not known to be complete. */
export class DeviceListResync {
  readonly #context: EncryptionContext
  readonly #remote: RemoteKeys
  readonly #running = new Map<string, Refreshing>()
  /** The last whose devices were asked for in the last round: those of servers that are gone must not keep others waiting. */
  #last = { host: '', userId: '' }

  constructor(context: EncryptionContext, remote: RemoteKeys) {
    this.#context = context
    this.#remote = remote
  }

  /** Whether a remote user shares a room with users of this server, so that their server tells us of changes. */
  async isFollowed(userId: string): Promise<boolean> {
    return this.#context.read.companions.sharesRoomWithHost(userId, this.#context.serverName)
  }

  /**
   * Fetches a user's devices for somebody who has asked, and keeps them; answers whether what is kept is good now. Several who ask
   * share a request: it goes on when the first of them gives up.
   * @throws what the request throws
   * @throws {FederationError} `timeout` where it takes longer than this one waits
   */
  async refresh(userId: string, timeoutMs: number): Promise<boolean> {
    const asked = { allWait: true }
    const refreshing = this.#once(userId, asked, { timeoutMs: Math.max(timeoutMs, DEFAULT_TIMEOUT_MS) })
    const isGood = await inTime(this.#context.clock, timeoutMs, refreshing.isGood)
    if (isGood !== undefined) return isGood
    refreshing.asked.allWait = false
    throw new FederationError('timeout', serverNameOf(userId), 'it takes longer than anybody waits')
  }

  /** Fetches a user's devices while nobody waits for it: whoever needs the keys asks, and waits then. */
  refreshSoon(userId: string): void {
    this.#once(userId, { allWait: false }).isGood.catch((error: unknown) => this.#notAnswered(userId, error))
  }

  #once(userId: string, asked: Asked, options: CallOptions = {}): Refreshing {
    const running = this.#running.get(userId)
    if (running !== undefined) return running
    const isGood = this.#refresh(userId, asked, options).finally(() => this.#running.delete(userId))
    const refreshing = { isGood, asked }
    this.#running.set(userId, refreshing)
    return refreshing
  }

  #notAnswered(userId: string, error: unknown): void {
    this.#context.log.debug({ user: userId, err: error }, 'the devices of a user cannot be fetched')
  }

  /** Tries again for users whose servers did not answer, some in each round, in turn; nobody waits for it. */
  async refreshStale(): Promise<void> {
    const users = await this.#context.read.remoteDevices.stale(this.#last, ROUND)
    const [last = ''] = users.slice(ROUND - 1)
    this.#last = { userId: last, host: last && serverNameOf(last) }
    const byServer = Map.groupBy(users, serverNameOf)
    await Promise.all(Array.from(byServer.values(), users => this.#refreshInTurn(users)))
  }

  async #refreshInTurn(userIds: readonly string[]): Promise<void> {
    for (const userId of userIds) {
      try {
        if (await this.isFollowed(userId)) await this.#once(userId, { allWait: false }).isGood
        else await this.#context.commit(this.#context.write.remoteDevices.forget([userId]))
      } catch (error) {
        // The server is asked no more in this round.
        this.#notAnswered(userId, error)
        return
      }
    }
  }

  async #refresh(userId: string, asked: Asked, options: CallOptions): Promise<boolean> {
    const { read, write } = this.#context
    const host = serverNameOf(userId)
    await this.#context.commit([write.remoteDevices.begin([{ userId, host }])])
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // What changes from here on is seen by the guard.
      const list = (await read.remoteDevices.lists([userId])).get(userId)
      if (list === undefined) return false
      if (!list.isStale) return true
      const found = await this.#remote.userDevices(host, userId, options)
      const statements = [
        write.remoteDevices.advance(list, { streamId: found.streamId, isStale: false }),
        ...(await this.#replace(userId, found, asked.allWait && list.streamId === 0)),
      ]
      if ((await this.#context.commit(statements)).ok) return true
    }
    return false
  }

  /**
   * The statements that put what was found in place of what is kept; clients are told where that differs, but of what
   * is there for the first time (`isFirst`) because somebody has asked, who is answered: nobody knows of anything else.
   */
  async #replace(userId: string, found: UserDevices, isFirst: boolean): Promise<WriteStatement[]> {
    const { read, write, clock } = this.#context
    const [before, crossSigning] = await Promise.all([
      read.remoteDevices.devices([userId]),
      read.crossSigningKeys.ofUsers([userId]),
    ])
    const after = withinReason(
      found.devices.map(({ deviceId, displayName, keys }) => ({
        userId,
        deviceId,
        displayName: displayName && shownName(displayName),
        json: JSON.stringify(keys),
      })),
      ({ json }) => json,
    )
    const keys = crossSigningRows(userId, found)
    const same =
      isSame(before.map(signature), after.map(signature)) &&
      isSame(
        crossSigning.map(key => key.json),
        keys.map(key => key.json),
      )
    if (same) return []
    return [
      write.remoteDevices.dropAll(userId),
      ...write.remoteDevices.set(after),
      ...write.crossSigningKeys.drop(userId, ['master', 'self_signing']),
      ...write.crossSigningKeys.set(keys),
      write.deviceLists.insert(userId, isFirst && before.length === 0 ? [] : [''], clock.now()),
    ]
  }
}

const signature = ({
  deviceId,
  displayName,
  json,
}: {
  deviceId: string
  displayName?: string | undefined
  json: string
}) => JSON.stringify([deviceId, displayName, json])

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.toSorted().every((text, index) => text === other.toSorted()[index])

const crossSigningRows = (userId: string, found: UserDevices): CrossSigningKeyRow[] =>
  (
    [
      ['master', found.masterKey],
      ['self_signing', found.selfSigningKey],
    ] as const
  ).flatMap(([usage, key]) => crossSigningRow(userId, usage, key) ?? [])

/** A remote user's cross-signing key as it is stored; `undefined` where it is none, or too large. */
export const crossSigningRow = (
  userId: string,
  usage: 'master' | 'self_signing',
  key: JsonObject | undefined,
): CrossSigningKeyRow | undefined => {
  const publicKey = key === undefined ? undefined : publicKeyOf(key, userId, usage)
  const json = JSON.stringify(key)
  if (publicKey === undefined || Buffer.byteLength(json) > MAX_CROSS_SIGNING_KEY) return undefined
  return { userId, usage, publicKey, json }
}
