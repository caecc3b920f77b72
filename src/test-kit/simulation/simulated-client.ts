/** A client of a simulated server: it believes what it is told, as the specification asks of clients, and keeps account of it. */
import type { JsonObject } from '../../core/json.ts'
import { officialResponseValidator } from '../responses.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { Belief, type Body } from './belief.ts'
import { type Answer, type Dialect, PlainSync, SlidingSync } from './dialects.ts'
import { Fallen, type SimulatedServer } from './simulated-server.ts'

/** An account's device. */
export interface Session {
  readonly userId: string
  readonly deviceId: string
  readonly token: string
}

export interface ClientOptions {
  /** Whether it is content with the members that have said something. */
  readonly isLazy: boolean
  /** Whether it takes state from timelines, and what lies before them, rather than from `state_after`. */
  readonly isClassic: boolean
  /** How long a timeline it wants of a room by `/sync`. */
  readonly limit: number
  /** Whether it follows by sliding sync. */
  readonly isSliding: boolean
  readonly random: SeededRandom
  readonly serverOf: (name: string) => SimulatedServer | undefined
}

/** More than there is in a room. */
export const LIMIT = 1_000

/** What an answer shows of the history of rooms. */
const historyIn = (target: string, body: Body): Body[] => {
  if (/\/sync\b/.test(target)) {
    const { join, leave, ...others } = body.rooms ?? {}
    const rooms = target.includes('simplified') ? others : { ...join, ...leave }
    return Object.values<Body>(rooms).flatMap(({ timeline }) => timeline?.events ?? timeline ?? [])
  }
  if (/\/messages\b/.test(target)) return body.chunk
  if (/\/context\//.test(target)) return [body.event, ...body.events_before, ...body.events_after]
  return /\/event\//.test(target) ? [body] : []
}

const validator = officialResponseValidator()

export class SimulatedClient {
  readonly session: Session
  readonly host: string
  readonly belief = new Belief()
  /** Every event that it was ever shown as part of a room's history. */
  readonly shown = new Set<string>()
  readonly options: ClientOptions
  readonly #dialect: Dialect

  constructor(session: Session, options: ClientOptions) {
    this.session = session
    this.options = options
    this.host = session.userId.slice(session.userId.indexOf(':') + 1)
    this.#dialect = options.isSliding
      ? new SlidingSync(this.belief, options)
      : new PlainSync(this.belief, options)
  }

  get userId(): string {
    return this.session.userId
  }

  /** The same device, as if it had just begun. */
  begun(): SimulatedClient {
    return new SimulatedClient(this.session, {
      ...this.options,
      ...{ isSliding: false, isLazy: false, isClassic: false, limit: LIMIT },
    })
  }

  /**
   * One request, its path whole or below `/_matrix/client/v3`. Rejects with `Fallen` when the server does not answer, and when
   * the answer breaks the official schema.
   */
  async call(method: string, path: string, json?: JsonObject): Promise<Answer> {
    const server = this.options.serverOf(this.host)
    if (server === undefined) throw new Fallen('nobody is there')
    const target = path.startsWith('/_matrix/') ? path : `/_matrix/client/v3${path}`
    const { status, bytes } = await server.ask({
      ...{ method, target },
      headers: { authorization: `Bearer ${this.session.token}` },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const body = JSON.parse(bytes.toString())
    const problems = validator.check(method, target, status, body)
    if (problems.length > 0)
      throw new Error(`${method} ${target} answered ${status} ${bytes.toString()}\n${problems.join('\n')}`)
    if (status === 200) for (const { event_id: eventId } of historyIn(target, body)) this.shown.add(eventId)
    return { status, body }
  }

  /** Asks once what is new. With `lost` the answer does not arrive. */
  async sync({ lost = false } = {}): Promise<void> {
    const { method, path, json } = this.#dialect.question()
    const answer = await this.call(method, path, json)
    if (!lost) this.#dialect.take(answer)
  }

  /** Asks for the devices of users of whom it does not know them. */
  async queryDevices(users: readonly string[]): Promise<void> {
    const { devices, outdated } = this.belief
    const wanted = users.filter(user => !devices.has(user) || outdated.has(user))
    if (wanted.length === 0) return
    for (const user of wanted) outdated.delete(user)
    const asked = { device_keys: Object.fromEntries(wanted.map(user => [user, []])) }
    let answer: Answer | undefined
    try {
      answer = await this.call('POST', '/keys/query', asked)
    } finally {
      for (const user of wanted) {
        const isAnswered =
          answer?.status === 200 && answer.body.failures?.[user.slice(user.indexOf(':') + 1)] === undefined
        if (isAnswered) devices.set(user, answer?.body.device_keys?.[user] ?? {})
        else outdated.add(user)
      }
    }
  }
}
