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

/** Nothing that happens in a storm leaves a request unanswered for so long, however busy the machine is. */
const PATIENCE_MS = 240_000

/** Repeats a request as clients do, until it is answered; refusals (4xx) are no answer that a storm excuses. */
export const insist = async (what: string, attempt: () => Promise<Answered>): Promise<Answered['body']> => {
  let last: unknown
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    try {
      const { status, body } = await attempt()
      if (status < 300) return body
      last = `${status} ${JSON.stringify(body)}`
      if (status < 500) break
    } catch (error) {
      last = error
    }
    await sleep(20 + randomInt(60))
  }
  throw new Error(`${what} is not answered: ${String(last)}`)
}

/** Insists as one of its clients. */
export const by = (
  { server, token }: Client,
  method: string,
  path: string,
  body?: object,
): Promise<Answered['body']> => insist(`${method} ${path}`, () => server.call(method, path, token, body))

const PASSWORD = 'correct horse battery'

/** Registers somebody. */
export const register = async (server: Reached, username: string): Promise<Client> => {
  const account = { username, password: PASSWORD, auth: { type: 'm.login.dummy' } }
  const { body } = await server.call('POST', '/register', '', account)
  return { server, userId: body.user_id, deviceId: body.device_id, token: body.access_token }
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
  /** The event that somebody has read last in a room, by `user in room`. */
  readonly read = new Map<string, string>()
  /** The devices of somebody who logs in again and again. */
  readonly devices: string[] = []
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

  /** Reads the rooms in turns, up to the event that the client was told of last. */
  reads(client: Client, rooms: readonly string[], told: ReadonlyMap<string, string>, pauseMs: number): void {
    this.#goOn(pauseMs, async n => {
      const roomId = rooms[n % rooms.length] ?? ''
      const eventId = told.get(roomId)
      if (eventId === undefined) return
      await by(client, 'POST', `/rooms/${at(roomId)}/receipt/m.read/${at(eventId)}`, {})
      this.read.set(`${client.userId} in ${roomId}`, eventId)
    })
  }

  /** Logs in on one device after the other, each with keys. */
  logsIn({ server, userId }: Client, pauseMs: number): void {
    this.#goOn(pauseMs, async n => {
      const deviceId = `DEVICE${n}`
      const { access_token: token } = await by({ server, userId, deviceId, token: '' }, 'POST', '/login', {
        ...{ type: 'm.login.password', identifier: { type: 'm.id.user', user: userId } },
        ...{ password: PASSWORD, device_id: deviceId },
      })
      await by({ server, userId, deviceId, token }, 'POST', '/keys/upload', {
        device_keys: {
          ...{ user_id: userId, device_id: deviceId, algorithms: ['m.olm.v1.curve25519-aes-sha2'] },
          keys: { [`ed25519:${deviceId}`]: 'A'.repeat(43) },
          signatures: { [userId]: { [`ed25519:${deviceId}`]: 'A'.repeat(86) } },
        },
      })
      this.devices.push(deviceId)
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
