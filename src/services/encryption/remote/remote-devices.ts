import { isCompliantUserId, serverNameOf } from '../../../core/ids.ts'
import type { JsonObject, JsonValue } from '../../../core/json.ts'
import { parseJson } from '../../../core/parse-json.ts'
import type { EncryptionContext } from '../context.ts'
import { addCrossSigning, type KeysOfUsers, noKeys, type WantedDevices } from '../local-keys.ts'
import { failureOf, notAsked, type RemoteKeys, remoteTimeout } from '../ports.ts'
import { SignatureIndex } from '../visible-keys.ts'
import { askEach } from './ask-each.ts'
import { withinReason } from './device-bounds.ts'
import { crossSigningRow, DeviceListResync } from './device-list-resync.ts'

/** So many users of one server are asked for one by one, which lets us follow them; more are asked for at once. */
const MAX_FOLLOWED_AT_ONCE = 20

/** Keys of remote users, and the servers that could not be asked. */
export interface RemoteAnswer extends KeysOfUsers {
  readonly failures: Record<string, JsonValue>
}

/** What somebody asks, and what is found. */
interface Question {
  readonly wanted: WantedDevices
  readonly viewer: string
  readonly options: { readonly timeoutMs: number }
  readonly answer: RemoteAnswer
}

/**
 * Keys of remote users. Whoever shares a room with users of this server is followed: their devices are kept, and
 * their server tells of changes. Others are asked for each time.
 */
export class RemoteDevices {
  readonly resync: DeviceListResync
  readonly #context: EncryptionContext
  readonly #remote: RemoteKeys
  readonly #followed: () => Promise<void>

  /** @param parts.followed resolves once what is kept is forgotten of all of whom it may be from before they were out of a room */
  constructor(context: EncryptionContext, parts: { remote: RemoteKeys; followed: () => Promise<void> }) {
    const { remote } = parts
    this.#context = context
    this.#remote = remote
    this.#followed = parts.followed
    this.resync = new DeviceListResync(context, remote)
  }

  /** The keys of remote users, with the signatures of their owners and the viewer's. */
  async query(wanted: WantedDevices, viewer: string, timeoutMs: number | undefined): Promise<RemoteAnswer> {
    const answer: RemoteAnswer = { ...noKeys(), failures: {} }
    const userIds = [...wanted.keys()].filter(isCompliantUserId)
    if (userIds.length === 0) return answer
    // Clients ask because somebody came back: what was kept of them is not to be the answer, nor are clients told once more.
    await this.#followed()
    const fresh = await this.#fresh(userIds)
    const byServer = Map.groupBy(
      userIds.filter(userId => !fresh.has(userId)),
      serverNameOf,
    )
    const options = remoteTimeout(timeoutMs)
    const kept = [...fresh]
    await askEach(
      byServer,
      { clock: this.#context.clock, ...options },
      {
        ask: async (server, users) => {
          for (const userId of await this.#ask(server, users, { wanted, viewer, options, answer }))
            kept.push(userId)
        },
        leave: (server, users) => {
          answer.failures[server] = notAsked()
          for (const userId of users) kept.push(userId)
        },
      },
    )
    await this.#addKept(kept, wanted, viewer, answer)
    return answer
  }

  /** Those of the users whose kept devices are good. */
  async #fresh(userIds: readonly string[]): Promise<Set<string>> {
    const lists = await this.#context.read.remoteDevices.lists(userIds)
    return new Set([...lists.values()].filter(list => !list.isStale).map(list => list.userId))
  }

  /** Asks a server; answers the users whose devices are kept now, while the others' are in the answer. */
  async #ask(
    server: string,
    users: readonly string[],
    { wanted, viewer, options, answer }: Question,
  ): Promise<string[]> {
    const followed = (await this.#sharingRooms(users)).slice(0, MAX_FOLLOWED_AT_ONCE)
    const results = await Promise.all(
      followed.map(async userId => {
        try {
          return (await this.resync.refresh(userId, options.timeoutMs)) ? userId : undefined
        } catch (error) {
          answer.failures[server] = failureOf(error)
          // What was known of the user before is better than nothing.
          return userId
        }
      }),
    )
    const kept = results.filter(userId => userId !== undefined)
    const others = users.filter(userId => !kept.includes(userId))
    if (others.length === 0 || answer.failures[server] !== undefined) return kept
    try {
      const asked = new Map(others.map(userId => [userId, wanted.get(userId) ?? []]))
      const keys = await this.#remote.keysQuery(server, asked, options)
      for (const [userId, devices] of keys.deviceKeys)
        answer.device_keys[userId] = Object.fromEntries(
          withinReason(devices, ([, device]) => JSON.stringify(device)),
        )
      const index = new SignatureIndex(await this.#context.read.signatures.visible(others, viewer))
      for (const [userId, key] of keys.masterKeys) {
        const row = crossSigningRow(userId, 'master', key)
        if (row !== undefined) answer.master_keys[userId] = index.merged(key, userId, row.publicKey, viewer)
      }
      for (const [userId, key] of keys.selfSigningKeys)
        if (crossSigningRow(userId, 'self_signing', key) !== undefined) answer.self_signing_keys[userId] = key
    } catch (error) {
      answer.failures[server] = failureOf(error)
    }
    return kept
  }

  async #sharingRooms(userIds: readonly string[]): Promise<string[]> {
    const shares = await Promise.all(
      userIds.slice(0, MAX_FOLLOWED_AT_ONCE).map(userId => this.resync.isFollowed(userId)),
    )
    return userIds.filter((_, index) => shares[index] === true)
  }

  async #addKept(
    userIds: readonly string[],
    wanted: WantedDevices,
    viewer: string,
    answer: RemoteAnswer,
  ): Promise<void> {
    const { read } = this.#context
    const [devices, crossSigning, signatures] = await Promise.all([
      read.remoteDevices.devices(userIds),
      read.crossSigningKeys.ofUsers(userIds),
      read.signatures.visible(userIds, viewer),
    ])
    const index = new SignatureIndex(signatures)
    for (const userId of userIds) {
      // Of a server that did not answer and that we never heard of before, there is nothing to tell.
      if (answer.failures[serverNameOf(userId)] === undefined) answer.device_keys[userId] = {}
    }
    for (const [userId, ofUser] of Map.groupBy(devices, device => device.userId)) {
      const only = new Set(wanted.get(userId))
      const told = ofUser.filter(({ deviceId }) => only.size === 0 || only.has(deviceId))
      answer.device_keys[userId] = Object.fromEntries(
        withinReason(told, ({ json }) => json).map(({ deviceId, displayName, json }) => {
          const keys = index.merged(parseJson(json) as JsonObject, userId, deviceId, viewer)
          const unsigned = displayName === undefined ? {} : { device_display_name: displayName }
          return [deviceId, { ...keys, unsigned }]
        }),
      )
    }
    addCrossSigning(answer, crossSigning, index, viewer)
  }
}
