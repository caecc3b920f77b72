import { levelTo, powerLevelOf } from '../../core/auth/power-levels.ts'
import { PushSourceReader } from '../../storage/push/push-source.ts'
import { powerOf } from '../push/room-audience.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { Inbox } from './inbox.ts'
import { notificationId } from './subjects.ts'

/** So many of those who could let somebody in are told. */
const MAX_TOLD = 50
/** Somebody who has so many knocks to answer is told of no more: a crowd at the door hides nothing else. */
const MAX_WAITING = 100

/** Tells those who may let people into a room who asks to be let in, until somebody has answered. */
export class Knocks {
  readonly #context: RoomsContext
  readonly #inbox: Inbox
  readonly #source: PushSourceReader

  constructor(context: RoomsContext, inbox: Inbox) {
    this.#context = context
    this.#inbox = inbox
    this.#source = new PushSourceReader(context.db)
  }

  /** Brings what is told of a user's knock in line with their membership. */
  async follow(subject: { roomId: string; roomNid: number; userId: string }): Promise<void> {
    const { roomId, roomNid, userId } = subject
    const { read } = this.#context
    const row = await read.memberships.one(userId, roomNid)
    if (row?.membership !== 'knock') {
      for (const told of await this.#inbox.read.usersInRoom(roomId, ['knock']))
        await this.#inbox.settle(told, notificationId(told, { about: 'knock', roomId, of: userId }))
      return
    }
    const [knock] = await read.events.byNids([row.eventNid])
    if (knock === undefined) return
    const { reason } = contentShown(knock)
    for (const told of await this.#doorkeepers(roomNid)) {
      if ((await this.#inbox.read.count(told, ['knock'])) >= MAX_WAITING) continue
      await this.#inbox.raise({
        userId: told,
        id: notificationId(told, { about: 'knock', roomId, of: userId }),
        kind: 'knock',
        ...{ roomId, sender: userId, count: 1, ts: this.#context.clock.now() },
        eventId: knock.event.eventId,
        eventPosition: undefined,
        details: typeof reason === 'string' ? { comment: reason } : {},
      })
    }
  }

  /** The local users in a room who may invite, the most powerful first: where everybody may, it is for them to answer. */
  async #doorkeepers(roomNid: number): Promise<string[]> {
    const { read, serverName } = this.#context
    const createNid = await read.state.point(roomNid, 'm.room.create', '')
    const [create] = createNid === undefined ? [] : await read.events.byNids([createNid])
    if (create === undefined) return []
    const power = await powerOf(this.#context, roomNid, create.event.version)
    const level = levelTo('invite', power)
    const members = await this.#source.localMembers(roomNid, serverName)
    return members
      .map(({ userId }) => ({ userId, level: powerLevelOf(userId, power) }))
      .filter(member => member.level >= level)
      .toSorted((a, b) => (a.level === b.level ? 0 : b.level > a.level ? 1 : -1))
      .slice(0, MAX_TOLD)
      .map(({ userId }) => userId)
  }
}
