import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { KeepEdus } from '../kept-edus.ts'
import type { RoomCore } from '../rooms/index.ts'
import { EduSender } from './edu-sender.ts'
import type { AdmitsServer, QueueEdu, ReceiveEdu } from './ports.ts'
import { Presence } from './presence.ts'
import { Receipts } from './receipts.ts'
import { Typing } from './typing.ts'

export type { AdmitsServer, OutgoingEdu, QueueEdu, ReceiveEdu } from './ports.ts'

/** What passes: who is typing, who is there, who has read how far. */
export interface EphemeralServices {
  readonly typing: Typing
  readonly receipts: Receipts
  readonly presence: Presence
}

/** The services with what keeps them going; `handlers` are for EDUs of other servers, by type. */
export interface Ephemeral {
  readonly services: EphemeralServices
  readonly handlers: Readonly<Record<'m.typing' | 'm.receipt' | 'm.presence', ReceiveEdu>>
  /** A user's membership of a room (its nid) is another than before. */
  memberChanged(userId: string, roomNid: number): void
  /** All members of a room (its nid) have come to be known, after it was joined without them. */
  roomCompleted(roomNid: number): void
  start(): void
  close(): Promise<void>
}

/** How often presence is written down and looked after. */
const HOUSEKEEPING_MS = 60_000

/** Builds what passes. */
export const createEphemeral = (parts: {
  core: RoomCore
  clock: Clock
  log: Log
  queueEdu: QueueEdu
  keepEdus: KeepEdus
  admits: AdmitsServer
  presence: { readonly enabled: boolean; readonly overFederation: boolean }
}): Ephemeral => {
  const { core, clock, admits } = parts
  const { writer, context } = core
  const log = parts.log.child({ part: 'ephemeral' })
  const edus = new EduSender({ queue: parts.queueEdu, serverName: context.serverName, log })
  const typing = new Typing({ writer, clock, edus, admits })
  const receipts = new Receipts({ writer, clock, keepEdus: parts.keepEdus, admits })
  const presence = new Presence({ context, clock, edus, log, ...parts.presence })
  const background = new Background(presence, clock, log)
  return {
    services: { typing, receipts, presence },
    handlers: {
      'm.typing': (origin, content) => typing.receive(origin, content),
      'm.receipt': (origin, content) => receipts.receive(origin, content),
      'm.presence': (origin, content) => presence.receive(origin, content),
    },
    memberChanged: (userId, roomNid) => {
      presence.met(userId, roomNid)
      if (!typing.users(roomNid).includes(userId) && presence.states.get(userId) === undefined) return
      const reading = context.read.memberships.one(userId, roomNid).then(row => {
        const isIn = row?.membership === 'join'
        if (!isIn) typing.left(roomNid, userId)
        return isIn
      })
      Promise.all([reading, presence.moved(userId, roomNid, reading)]).catch(error =>
        log.warn({ user: userId, err: error }, 'a change of membership could not be followed'),
      )
    },
    roomCompleted: roomNid => {
      presence
        .completed(roomNid)
        .catch(error => log.warn({ err: error }, 'the members of a room could not be looked for'))
    },
    start: () => background.start(),
    close: async () => {
      typing.close()
      await background.close()
    },
  }
}

/** What goes on without being asked for. */
class Background {
  readonly #presence: Presence
  readonly #clock: Clock
  readonly #log: Log
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(presence: Presence, clock: Clock, log: Log) {
    this.#presence = presence
    this.#clock = clock
    this.#log = log
  }

  start(): void {
    if (this.#presence.enabled) this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#attempt(() => this.#presence.close())
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    await this.#attempt(() => this.#presence.load())
    while (!signal.aborted) {
      await this.#clock.sleep(HOUSEKEEPING_MS, signal).catch(() => {})
      if (!signal.aborted) await this.#attempt(() => this.#presence.tidy())
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#log.error({ err: error }, 'presence could not be kept')
    }
  }
}
