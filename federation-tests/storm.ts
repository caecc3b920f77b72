import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answered } from '../src/test-kit/worker-processes.ts'

/** What clients do in a storm, and what they are told: to be held against each other afterwards. */

export const at = (text: string): string => encodeURIComponent(text)

/** A server, as its clients reach it: one request on a connection of its own, which rejects when nobody answers. */
export interface Reached {
  call(method: string, path: string, token?: string, body?: object): Promise<Answered>
}

export interface Client {
  readonly server: Reached
  readonly userId: string
  readonly deviceId: string
  readonly token: string
}

/** Repeats a request as clients do, until it is answered; refusals (4xx) are no answer that a storm excuses. */
export const insist = async (attempt: () => Promise<Answered>): Promise<Answered['body']> => {
  for (;;) {
    const answer = await attempt().catch(() => undefined)
    if (answer !== undefined && answer.status < 300) return answer.body
    if (answer !== undefined && answer.status < 500)
      throw new Error(`refused: ${answer.status} ${JSON.stringify(answer.body)}`)
    await sleep(20 + randomInt(60))
  }
}

/** Insists as one of its clients. */
export const by = (
  { server, token }: Client,
  method: string,
  path: string,
  body?: object,
): Promise<Answered['body']> => insist(() => server.call(method, path, token, body))

/** Registers somebody. */
export const register = async (server: Reached, username: string): Promise<Client> => {
  const account = { username, password: 'correct horse battery', auth: { type: 'm.login.dummy' } }
  const { body } = await server.call('POST', '/register', '', account)
  return { server, userId: body.user_id, deviceId: body.device_id, token: body.access_token }
}

/** Follows `/sync` through whichever process answers, and takes down all that it is told, in order. */
export class Following {
  /** The texts of all messages in rooms. */
  readonly bodies: string[] = []
  /** Room and user of all who have joined. */
  readonly joined = new Set<string>()
  /** The numbers of messages for the device, by who sent them. */
  readonly messages = new Map<string, number[]>()
  /** Events that came more than once. */
  readonly doubled: string[] = []
  /** The last value of the account data that `noting` counts in. */
  noted = -1
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
      for (const { sender, content } of body.to_device?.events ?? [])
        this.messages.set(sender, [...(this.messages.get(sender) ?? []), content.n])
      for (const { type, content } of body.account_data?.events ?? [])
        if (type === 'storm.noted') this.noted = content.n
      for (const [roomId, room] of Object.entries<Answered['body']>(body.rooms?.join ?? {})) {
        for (const event of room.state.events) this.#take(roomId, event)
        for (const event of room.timeline.events) {
          if (this.#events.has(event.event_id)) this.doubled.push(event.event_id)
          this.#events.add(event.event_id)
          if (event.type === 'm.room.message') this.bodies.push(event.content.body)
          this.#take(roomId, event)
        }
      }
    }
  }

  #take(roomId: string, { type, state_key: userId, content }: Answered['body']): void {
    if (type === 'm.room.member' && content.membership === 'join') this.joined.add(`${userId} in ${roomId}`)
  }
}

/** Keeps clients busy until it is over, and notes what they were answered. */
export class Storm {
  /** The event of each transaction. */
  readonly sent = new Map<string, string>()
  /** Transactions that were answered with two events. */
  readonly answeredTwice: string[] = []
  readonly claimed: string[] = []
  /** Room and user of all whom a server has told that they have joined. */
  readonly joined: string[] = []
  /** How many messages for devices were sent, by `sender to receiver`. */
  readonly told = new Map<string, number>()
  noted = -1
  #isOver = false
  readonly #running: Promise<void>[] = []

  /** Sends to the rooms in turns, each message twice at once. */
  sends(client: Client, rooms: readonly string[], name: string, pauseMs: number): void {
    this.#goOn(pauseMs, async n => {
      const txn = `${name}-${n}`
      const roomId = rooms[n % rooms.length] ?? ''
      const say = () =>
        by(client, 'PUT', `/rooms/${at(roomId)}/send/m.room.message/${txn}`, { msgtype: 'm.text', body: txn })
      // As by a client that has given up waiting: two processes get it as often as one.
      const [one, other] = await Promise.all([say(), say()])
      if (one.event_id !== other.event_id) this.answeredTwice.push(txn)
      this.sent.set(txn, one.event_id)
    })
  }

  /** Claims the keys of a device; an answer that does not come is lost with its key, as it is in life. */
  claims({ server, token }: Client, from: Client, pauseMs: number): void {
    const query = { one_time_keys: { [from.userId]: { [from.deviceId]: 'curve25519' } } }
    this.#goOn(pauseMs, async () => {
      const answer = await server.call('POST', '/keys/claim', token, query).catch(() => undefined)
      const keys = answer?.body.one_time_keys?.[from.userId]?.[from.deviceId]
      if (answer?.status === 200 && keys !== undefined) this.claimed.push(...Object.keys(keys))
    })
  }

  /** Sends messages to a device. */
  tells(client: Client, to: Client, pauseMs: number): void {
    this.#goOn(pauseMs, async n => {
      const messages = { [to.userId]: { [to.deviceId]: { n } } }
      await by(client, 'PUT', `/sendToDevice/m.test/${to.userId}-${n}`, { messages })
      this.told.set(`${client.userId} to ${to.userId}`, n + 1)
    })
  }

  /** Counts in the account data of somebody. */
  notes(client: Client, pauseMs: number): void {
    this.#goOn(pauseMs, async n => {
      await by(client, 'PUT', `/user/${at(client.userId)}/account_data/storm.noted`, { n })
      this.noted = n
    })
  }

  /** Has people join rooms, each room by all of `together` at once, in whichever processes. */
  joins(
    groups: readonly (readonly Client[])[],
    rooms: readonly string[],
    via: string,
    pauseMs: number,
  ): void {
    const left = groups.flatMap(together => rooms.map(roomId => ({ together, roomId })))
    const run = async () => {
      for (const { together, roomId } of left) {
        await Promise.all(
          together.map(async client => {
            await by(client, 'POST', `/join/${at(roomId)}?via=${via}&server_name=${via}`, {})
            this.joined.push(`${client.userId} in ${roomId}`)
          }),
        )
        await sleep(pauseMs)
      }
    }
    this.#running.push(run())
  }

  /** Lets everybody finish what is under way. */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  #goOn(pauseMs: number, act: (n: number) => Promise<void>): void {
    const run = async () => {
      for (let n = 0; !this.#isOver; n++) {
        await act(n)
        await sleep(pauseMs)
      }
    }
    this.#running.push(run())
  }
}
