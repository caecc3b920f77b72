/** A client of a simulated server: it believes what it is told, as the specification asks of clients, and keeps account of it. */
import type { JsonObject } from '../../core/json.ts'
import { officialResponseValidator } from '../responses.ts'
import { Fallen, type SimulatedServer } from './simulated-server.ts'

/** What a client is answered. */
// biome-ignore lint/suspicious/noExplicitAny: tests narrow it by what they expect
type Body = any

export interface Answer {
  readonly status: number
  readonly body: Body
}

/** An account's device. */
export interface Session {
  readonly userId: string
  readonly deviceId: string
  readonly token: string
}

/** A room that a client is in, as it was told. */
export interface FollowedRoom {
  /** Event IDs in the order in which `/sync` has shown them, since it has begun or left something out. */
  timeline: string[]
  /** Event IDs by type and state key. */
  readonly state: Map<string, string>
  readonly receipts: Map<string, string>
  typing: string[]
}

const filterOf = (lazy: boolean): string =>
  at(JSON.stringify({ room: { timeline: { limit: 1_000 }, state: { lazy_load_members: lazy } } }))

const validator = officialResponseValidator()

export const at = (text: string): string => encodeURIComponent(text)

export class SimulatedClient {
  readonly session: Session
  readonly host: string
  readonly rooms = new Map<string, FollowedRoom>()
  /** What `/sync` has shown more than once. */
  readonly doubled: string[] = []
  /** The numbers of messages for the device, by who sent them. */
  readonly messages = new Map<string, number[]>()
  /** User → devices as they were last answered. */
  readonly devices = new Map<string, unknown>()
  readonly outdated = new Set<string>()
  /** Whether it is content with the members that have said something. */
  readonly isLazy: boolean
  readonly #filter: string
  readonly #serverOf: (name: string) => SimulatedServer | undefined
  #since: string | undefined

  constructor(
    session: Session,
    options: { isLazy: boolean; serverOf: (name: string) => SimulatedServer | undefined },
  ) {
    this.session = session
    this.isLazy = options.isLazy
    this.#filter = filterOf(options.isLazy)
    this.host = session.userId.slice(session.userId.indexOf(':') + 1)
    this.#serverOf = options.serverOf
  }

  get userId(): string {
    return this.session.userId
  }

  /** One request. Rejects with `Fallen` when the server does not answer, and when the answer breaks the official schema. */
  async call(method: string, path: string, json?: JsonObject): Promise<Answer> {
    const server = this.#serverOf(this.host)
    if (server === undefined) throw new Fallen('nobody is there')
    const target = `/_matrix/client/v3${path}`
    const { status, bytes } = await server.ask({
      ...{ method, target },
      headers: { authorization: `Bearer ${this.session.token}` },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const body = JSON.parse(bytes.toString()) as Body
    const problems = validator.check(method, target, status, body)
    if (problems.length > 0)
      throw new Error(`${method} ${target} answered ${status} ${bytes.toString()}\n${problems.join('\n')}`)
    return { status, body }
  }

  /** One `/sync`; whether it told anything of rooms or devices. With `lost` the answer does not arrive. */
  async sync({ lost = false } = {}): Promise<void> {
    const since = this.#since === undefined ? '' : `&since=${at(this.#since)}`
    const { status, body } = await this.call(
      'GET',
      `/sync?timeout=0&use_state_after=true&filter=${this.#filter}${since}`,
    )
    if (status !== 200) throw new Error(`/sync answered ${status}: ${JSON.stringify(body)}`)
    if (lost) return
    // What changed before, nobody says now.
    if (this.#since === undefined) for (const userId of this.devices.keys()) this.outdated.add(userId)
    this.#since = body.next_batch
    for (const { sender, content } of body.to_device?.events ?? [])
      this.messages.set(sender, [...(this.messages.get(sender) ?? []), content.n])
    for (const userId of body.device_lists?.changed ?? [])
      if (this.devices.has(userId)) this.outdated.add(userId)
    for (const userId of body.device_lists?.left ?? []) this.devices.delete(userId)
    for (const [roomId, room] of Object.entries<Body>(body.rooms?.join ?? {})) this.#follow(roomId, room)
    // Whoever was removed and invited again before they looked is told of the invitation.
    for (const part of ['leave', 'invite', 'knock'])
      for (const roomId of Object.keys(body.rooms?.[part] ?? {})) this.rooms.delete(roomId)
  }

  /** Asks for the devices of users of whom it does not know them. */
  async queryDevices(users: readonly string[]): Promise<void> {
    const wanted = users.filter(user => !this.devices.has(user) || this.outdated.has(user))
    if (wanted.length === 0) return
    for (const user of wanted) this.outdated.delete(user)
    const asked = { device_keys: Object.fromEntries(wanted.map(user => [user, []])) }
    let answer: Answer | undefined
    try {
      answer = await this.call('POST', '/keys/query', asked)
    } finally {
      for (const user of wanted) {
        const isAnswered =
          answer?.status === 200 && answer.body.failures?.[user.slice(user.indexOf(':') + 1)] === undefined
        if (isAnswered) this.devices.set(user, answer?.body.device_keys?.[user] ?? {})
        else this.outdated.add(user)
      }
    }
  }

  #follow(roomId: string, room: Body): void {
    const isNew = !this.rooms.has(roomId)
    const followed: FollowedRoom = this.rooms.get(roomId) ?? {
      timeline: [],
      state: new Map(),
      receipts: new Map(),
      typing: [],
    }
    this.rooms.set(roomId, followed)
    // A room that lacked members is shown from its beginning to whoever does not load them lazily, once it has them.
    const isWhole = room.state_after?.events.some(({ type }: Body) => type === 'm.room.create')
    if ((room.timeline.limited === true || (isWhole && !this.isLazy)) && !isNew) followed.timeline = []
    for (const { event_id: eventId } of room.timeline.events) {
      if (followed.timeline.includes(eventId)) this.doubled.push(eventId)
      followed.timeline.push(eventId)
    }
    for (const { type, state_key: key, event_id: eventId } of room.state_after?.events ?? [])
      followed.state.set(`${type} ${key}`, eventId)
    for (const { type, content } of room.ephemeral?.events ?? []) {
      if (type === 'm.typing') followed.typing = content.user_ids
      if (type !== 'm.receipt') continue
      for (const [eventId, receipts] of Object.entries<Body>(content))
        for (const userId of Object.keys(receipts['m.read'] ?? {})) followed.receipts.set(userId, eventId)
    }
  }
}
