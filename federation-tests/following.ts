import type { Answered } from '../src/test-kit/worker-processes.ts'
import { at, by, type Client } from './storm.ts'

/** Follows `/sync` through whichever process answers, and takes down all that it is told, in order. */
export class Following {
  /** The texts of all messages in rooms. */
  readonly bodies: string[] = []
  /** Room and user of all who have joined. */
  readonly joined = new Set<string>()
  /** The numbers of messages for the device, by who sent them. */
  readonly messages = new Map<string, number[]>()
  /** The last event of each room. */
  readonly newest = new Map<string, string>()
  /** Events that came more than once. */
  readonly doubled: string[] = []
  /** The last value of the account data that `notes` counts in. */
  noted = -1
  /** The event that somebody has read last in a room, by `user in room`. */
  readonly read = new Map<string, string>()
  /** The devices of those whose lists this client has been told to look up, as it has found them then. */
  readonly devices = new Map<string, readonly string[]>()
  readonly #events = new Set<string>()
  readonly #over = new AbortController()
  readonly #running: Promise<void>

  constructor(client: Client) {
    this.#running = this.#follow(client)
  }

  async end(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  async #follow(client: Client): Promise<void> {
    const filter = at(JSON.stringify({ room: { timeline: { limit: 1_000 } }, presence: { types: [] } }))
    for (let since = ''; !this.#over.signal.aborted; ) {
      const path = `/sync?timeout=500&filter=${filter}${since && `&since=${since}`}`
      const body = await by(client, 'GET', path)
      since = body.next_batch
      await this.#lookUp(client, body.device_lists?.changed ?? [])
      for (const { sender, content } of body.to_device?.events ?? [])
        this.messages.set(sender, [...(this.messages.get(sender) ?? []), content.n])
      for (const { type, content } of body.account_data?.events ?? [])
        if (type === 'storm.noted') this.noted = content.n
      for (const [roomId, room] of Object.entries<Answered['body']>(body.rooms?.join ?? {})) {
        for (const event of room.state.events) this.#take(roomId, event)
        for (const { type, content } of room.ephemeral?.events ?? [])
          if (type === 'm.receipt') this.#takeReceipts(roomId, content)
        for (const event of room.timeline.events) {
          if (this.#events.has(event.event_id)) this.doubled.push(event.event_id)
          this.#events.add(event.event_id)
          this.newest.set(roomId, event.event_id)
          if (event.type === 'm.room.message') this.bodies.push(event.content.body)
          this.#take(roomId, event)
        }
      }
    }
  }

  async #lookUp(client: Client, changed: readonly string[]): Promise<void> {
    if (changed.length === 0) return
    const device_keys = Object.fromEntries(changed.map(userId => [userId, []]))
    const { device_keys: found } = await by(client, 'POST', '/keys/query', { device_keys })
    for (const [userId, devices] of Object.entries<object>(found))
      this.devices.set(userId, Object.keys(devices))
  }

  #takeReceipts(roomId: string, content: Answered['body']): void {
    for (const [eventId, receipts] of Object.entries<Answered['body']>(content))
      for (const userId of Object.keys(receipts['m.read'] ?? {}))
        this.read.set(`${userId} in ${roomId}`, eventId)
  }

  #take(roomId: string, { type, state_key: userId, content }: Answered['body']): void {
    if (type === 'm.room.member' && content.membership === 'join') this.joined.add(`${userId} in ${roomId}`)
  }
}
