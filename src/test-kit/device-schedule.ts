import type { ExecutionContext } from 'ava'
import { MatrixError } from '../core/errors.ts'
import { serverNameOf } from '../core/ids.ts'
import { FederationError } from '../network/federation-client.ts'
import type { Encryption } from '../services/encryption/index.ts'
import type { Database } from '../storage/database.ts'
import { testIdentity } from './encryption.ts'
import {
  addDevice,
  addUser,
  EncryptionWorld,
  plainKeys,
  removeDevice,
  renameDevice,
  twinOf,
} from './encryption-world.ts'
import { eventually } from './eventually.ts'
import { FollowingDevice, keysIn } from './following-device.ts'
import { newRoom, requesterOf } from './rooms.ts'
import { SeededRandom } from './seeded-random.ts'

const SERVERS = ['s0.test', 's1.test', 's2.test']
/** This one may consist of two processes over one database. */
const SHARED = 's0.test'
const ALGORITHM = 'signed_curve25519'

/** What happens on three servers by chance, and what must come of it. */
export class DeviceSchedule {
  readonly #random: SeededRandom
  readonly #world: EncryptionWorld
  readonly #rooms: { roomId: string; creator: string }[] = []
  readonly #users: string[] = []
  readonly #devices: FollowingDevice[] = []
  /** What each device is to receive from each sender, in order. */
  readonly #expected = new Map<FollowingDevice, Map<string, number[]>>()
  readonly #claimed: string[] = []
  readonly #shared: { readonly own: Database; readonly twin: Database } | undefined
  #twin: Encryption | undefined
  #count = 0

  /** `shared`: the database of one of the servers, opened by each of two processes. */
  constructor(t: ExecutionContext, seed: number, shared?: { own: Database; twin: Database }) {
    this.#random = new SeededRandom(seed)
    this.#world = new EncryptionWorld(t)
    this.#shared = shared
  }

  async prepare(): Promise<void> {
    for (const name of SERVERS) {
      const isShared = name === SHARED && this.#shared !== undefined
      const server = await this.#world.start(name, isShared ? { database: this.#shared.own } : {})
      if (isShared) this.#twin = twinOf(server, this.#shared.twin)
      for (const localpart of ['creator', 'x', 'y']) {
        const userId = `@${localpart}:${name}`
        await addUser(server, userId)
        this.#users.push(userId)
        await this.#addDevice(userId)
      }
      const creator = `@creator:${name}`
      const request = newRoom(server.rooms, creator, { preset: 'public_chat' })
      const roomId = await server.rooms.roomCreation.create(request, { isDirect: false })
      this.#rooms.push({ roomId, creator })
    }
    // Everybody learns everybody's keys while all are there: without them a state cannot be verified.
    for (const { roomId, creator } of this.#rooms) {
      for (const name of SERVERS) {
        const [userId, via] = [`@x:${name}`, [serverNameOf(creator)]]
        await this.#world.server(name).rooms.memberships.join({ userId, roomId, via })
      }
    }
  }

  /** Some process of the user's server. */
  #processOf(userId: string): Encryption {
    const twin = serverNameOf(userId) === SHARED && this.#random.chance(0.5) ? this.#twin : undefined
    return twin ?? this.#world.server(serverNameOf(userId)).encryption
  }

  /** One thing that happens. What is refused, or fails because a server is away, happens not. */
  async step(): Promise<void> {
    const device = this.#random.pick(this.#devices)
    const chance = this.#random.below(100)
    try {
      if (chance < 8) await this.#addDevice(this.#random.pick(this.#users))
      else if (chance < 12) await this.#removeDevice(device)
      else if (chance < 16)
        await renameDevice(device.server, device.userId, device.deviceId, `name ${++this.#count}`)
      else if (chance < 19) await this.#uploadIdentity(device)
      else if (chance < 22) await this.#crossSign(device.userId)
      else if (chance < 36) await this.#join()
      else if (chance < 46) await this.#leave()
      else if (chance < 50) this.#toggleOutage()
      else if (chance < 54) await this.#world.restart(this.#random.pick(SERVERS))
      else if (chance < 70) await device.sync()
      else if (chance < 82) await device.lists()
      else if (chance < 90) await this.#claim()
      else await this.#send(device)
    } catch (error) {
      if (!(error instanceof MatrixError) && !(error instanceof FederationError)) throw error
    }
  }

  /** Once everything has been told: who knows what they must, and has what they were sent. */
  async check(t: ExecutionContext): Promise<void> {
    const { own, twin } = this.#shared ?? {}
    await eventually(
      'the first process has heard of what the other one wrote',
      () =>
        own === undefined ||
        twin === undefined ||
        own.position('device_lists') >= twin.position('device_lists'),
    )
    await this.#world.settle()
    // What was said while nobody knew that a server was back comes to it with what is said next.
    await this.#speak()
    await this.#world.settle()
    for (const { roomId } of this.#rooms) await this.#checkMembers(t, roomId)
    for (const device of this.#devices) {
      await device.sync()
      const lists = await device.lists()
      for (const [userId, devices] of lists) {
        t.deepEqual(devices, await this.#truth(userId), `${device.userId} ${device.deviceId} about ${userId}`)
      }
      const expected = this.#expected.get(device) ?? new Map<string, number[]>()
      for (const sender of new Set([...expected.keys(), ...device.received.map(each => each.sender)])) {
        const numbers = device.received.filter(each => each.sender === sender).map(({ n }) => n)
        t.deepEqual(
          numbers,
          expected.get(sender) ?? [],
          `from ${sender} to ${device.userId} ${device.deviceId}`,
        )
      }
    }
    t.is(new Set(this.#claimed).size, this.#claimed.length, 'a key was given out twice')
  }

  /** Somebody of each server says something in each room, as far as they are in it. */
  async #speak(): Promise<void> {
    for (const { roomId } of this.#rooms) {
      for (const name of SERVERS) {
        const { core } = this.#world.server(name)
        const members = [...((await core.writer.head(roomId))?.memberships ?? [])]
        const [sender] = members.find(([one, is]) => is === 'join' && serverNameOf(one) === name) ?? []
        if (sender === undefined) continue
        await core.sender.send(roomId, { type: 'm.room.message', sender, content: { body: 'hello' } })
      }
    }
  }

  /** All servers that are in a room are of one mind about who is in it. */
  async #checkMembers(t: ExecutionContext, roomId: string): Promise<void> {
    const heads = await Promise.all(SERVERS.map(name => this.#world.server(name).core.writer.head(roomId)))
    const inside = heads.filter((head, index) => head?.hasHost(SERVERS[index] ?? ''))
    const members = inside.map(head => [...(head?.memberships ?? [])].map(String).sort())
    for (const each of members) t.deepEqual(each, members[0], `members of ${roomId}`)
  }

  async #truth(userId: string): Promise<unknown> {
    const { encryption } = this.#world.server(serverNameOf(userId))
    return keysIn(await encryption.keyQueries.query(userId, { [userId]: [] }, undefined), userId)
  }

  async #addDevice(userId: string): Promise<void> {
    const device = new FollowingDevice(this.#world, { userId, deviceId: `D${++this.#count}` })
    await addDevice(device.server, userId, device.deviceId)
    this.#devices.push(device)
    await device.sync()
    await this.#uploadIdentity(device)
    const names = Array.from({ length: 3 }, () => `${ALGORITHM}:K${++this.#count}`)
    const keys = Object.fromEntries(names.map(name => [name, { key: name, signatures: {} }]))
    await this.#processOf(userId).deviceKeys.upload(userId, device.deviceId, { one_time_keys: keys })
  }

  async #uploadIdentity({ userId, deviceId }: FollowingDevice): Promise<void> {
    const keys = plainKeys(userId, deviceId, `curve ${++this.#count}`)
    await this.#processOf(userId).deviceKeys.upload(userId, deviceId, { device_keys: keys })
  }

  /** Somebody has another identity, or for the first time one. */
  async #crossSign(userId: string): Promise<void> {
    const { crossSigning } = this.#processOf(userId)
    const { master_key: master, self_signing_key: selfSigning } = testIdentity(userId).upload
    const isWhole = this.#random.chance(0.7)
    const upload = { master, ...(isWhole ? { self_signing: selfSigning } : {}) }
    await crossSigning.store(userId, await crossSigning.check(userId, upload))
  }

  async #removeDevice(device: FollowingDevice): Promise<void> {
    // Everybody keeps one.
    if (this.#devices.filter(({ userId }) => userId === device.userId).length === 1) return
    this.#devices.splice(this.#devices.indexOf(device), 1)
    await removeDevice(device.server, device.userId, device.deviceId)
  }

  async #join(): Promise<void> {
    const { roomId, creator } = this.#random.pick(this.#rooms)
    const userId = this.#random.pick(this.#users)
    const { rooms } = this.#world.server(serverNameOf(userId))
    await rooms.memberships.join({ userId, roomId, via: [serverNameOf(creator)] })
  }

  async #leave(): Promise<void> {
    const { roomId, creator } = this.#random.pick(this.#rooms)
    const userId = this.#random.pick(this.#users)
    if (userId === creator) return
    const { rooms, clock } = this.#world.server(serverNameOf(userId))
    // Nobody goes in the moment in which they came:
    await clock.advance(1)
    await rooms.memberships.leave({ userId, roomId })
    // nor comes back in the same: where states are resolved, either of two events of one moment could win.
    await clock.advance(1)
  }

  #toggleOutage(): void {
    const name = this.#random.pick(SERVERS)
    if (!this.#world.away.delete(name)) this.#world.away.add(name)
  }

  /** Several ask for the same keys at once. */
  async #claim(): Promise<void> {
    const { userId, deviceId } = this.#random.pick(this.#devices)
    const processes = SERVERS.map(name => this.#world.server(name).encryption)
    if (this.#twin !== undefined) processes.push(this.#twin)
    const claims = await Promise.all(
      processes.map(({ keyClaims }) => keyClaims.claim({ [userId]: { [deviceId]: ALGORITHM } }, undefined)),
    )
    for (const { one_time_keys: keys } of claims)
      this.#claimed.push(
        ...Object.keys(keys[userId]?.[deviceId] ?? {}).map(name => `${userId} ${deviceId} ${name}`),
      )
  }

  async #send(from: FollowingDevice): Promise<void> {
    const to = this.#random.pick(this.#devices)
    const n = ++this.#count
    const requester = requesterOf(from.userId, from.deviceId)
    const messages = { [to.userId]: { [to.deviceId]: { n } } }
    const send = () =>
      from.server.encryption.toDevice.send({ ...requester, deviceId: from.deviceId }, 'm.x', `${n}`, messages)
    await send()
    if (this.#random.chance(0.3)) await send()
    const expected = this.#expected.get(to) ?? new Map<string, number[]>()
    this.#expected.set(to, expected.set(from.userId, [...(expected.get(from.userId) ?? []), n]))
  }
}
