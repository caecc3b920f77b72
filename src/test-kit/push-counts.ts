/** A server on which things happen at random to what people have unread, and what must come of it. */
import { silentLog } from '../core/log.ts'
import type { PushGateway } from '../network/push-gateway.ts'
import { Receipts } from '../services/ephemeral/receipts.ts'
import { noEdus } from '../services/kept-edus.ts'
import { PushHousekeeping } from '../services/push/housekeeping.ts'
import { createPush, type Push } from '../services/push/index.ts'
import type { GivenRule, RuleName } from '../services/push/user-rules.ts'
import { AccountDataWriter } from '../storage/accounts/account-data.ts'
import type { Database } from '../storage/database.ts'
import { PushActionReader } from '../storage/push/push-actions.ts'
import { Model, type Notification, type Said, Tastes } from './push-model.ts'
import { KEYWORD, USERS, type User } from './push-steps.ts'
import { newRoom, requesterOf, type TestRooms } from './rooms.ts'

/** Takes nothing. */
export const NO_GATEWAY: PushGateway = {
  notify: () => Promise.reject(new Error('nothing is to be sent')),
  close: async () => undefined,
}

/** A server whose users' counts are compared with the model's. */
export class World {
  readonly test: TestRooms
  readonly database: Database
  readonly receipts: Receipts
  push: Push
  isPaused = false
  roomId = ''
  roomNid = 0
  readonly roomNids: number[] = []
  model = new Model()
  readonly tastes = new Tastes()
  #txn = 0

  constructor(rooms: TestRooms, database: Database) {
    this.test = rooms
    this.database = database
    const { writer } = rooms.core
    this.receipts = new Receipts({ writer, clock: rooms.clock, keepEdus: noEdus, admits: async () => true })
    this.push = this.#startPush()
  }

  #startPush(): Push {
    const { core, clock } = this.test
    const push = createPush({ core, gateway: NO_GATEWAY, clock, log: silentLog })
    push.start()
    return push
  }

  async enterRoom(): Promise<void> {
    const { rooms, core } = this.test
    const [creator, ...others] = USERS
    this.roomId = await rooms.roomCreation.create(
      newRoom(rooms, creator, { isPublic: true, invite: [...others] }),
      {
        isDirect: false,
      },
    )
    for (const userId of others) await rooms.memberships.join({ userId, roomId: this.roomId })
    this.roomNid = (await core.context.read.rooms.byId(this.roomId))?.nid ?? 0
    this.roomNids.push(this.roomNid)
    this.model = new Model()
    await this.resume()
  }

  async pause(): Promise<void> {
    this.isPaused = true
    await this.push.close()
  }

  /** Goes on counting, from what is stored; until then nothing was. */
  async resume(): Promise<void> {
    if (this.isPaused) this.push = this.#startPush()
    this.isPaused = false
    await this.settled()
  }

  /** A month passes, and what is stored is tidied up. */
  async age(): Promise<void> {
    await this.resume()
    const { clock } = this.test
    await clock.advance(31 * 24 * 60 * 60_000)
    const onTidied = (): void => this.push.unread.forget()
    await new PushHousekeeping({ db: this.database, clock, log: silentLog, onTidied }).tidy()
    this.push.unread.forget()
    this.model.agedUpTo = this.model.said.length
  }

  async settled(): Promise<void> {
    // `horizon` has no bound before the start: what is waited for is the position that is reached.
    await this.push.counter.counted(this.database.position('events'))
  }

  async say(sender: User, content: object, more: Pick<Said, 'thread' | 'isChild' | 'hops'>): Promise<void> {
    const { model } = this
    const body = 'body' in content ? String(content.body) : 'x'
    const mentions = (content as { 'm.mentions'?: { user_ids: string[] } })['m.mentions']?.user_ids ?? []
    const { eventId } = await this.test.rooms.sending.message(requesterOf(sender), {
      roomId: this.roomId,
      type: 'm.room.message',
      txnId: `t${this.#txn++}`,
      content: { msgtype: 'm.text', body, ...content },
    })
    const notified = new Map<User, boolean>()
    for (const user of model.here) {
      const highlight = this.tastes.judge(user, { sender, mentions, body }, model.muted.has(user))
      if (highlight !== undefined) notified.set(user, highlight)
    }
    model.said.push({ eventId, sender, notified, redacted: false, ...more })
    // Who says something has read what was there.
    model.receipts.push({ user: sender, thread: more.thread, at: model.said.length - 1 })
  }

  async redact(user: User, target: Said): Promise<void> {
    await this.test.rooms.sending.redaction(requesterOf(user), {
      roomId: this.roomId,
      redacts: target.eventId,
      txnId: `t${this.#txn++}`,
      reason: undefined,
    })
    target.redacted = true
  }

  async go(user: User): Promise<void> {
    const { model } = this
    const { memberships } = this.test.rooms
    if (model.here.delete(user)) {
      await memberships.leave({ userId: user, roomId: this.roomId })
    } else {
      await memberships.join({ userId: user, roomId: this.roomId })
      model.here.add(user)
      model.cameAt.set(user, model.said.length)
    }
  }

  /** Sets a rule, or removes it. */
  async #rule<T>(user: User, set: Set<T>, of: T, rule: RuleName, given: GivenRule): Promise<void> {
    // Rules are those of the moment in which an event is counted.
    await this.resume()
    const { pushRules } = this.push.services
    if (set.delete(of)) return pushRules.remove(user, rule)
    await pushRules.put(user, rule, given, {})
    set.add(of)
  }

  mute(user: User): Promise<void> {
    return this.#rule(user, this.model.muted, user, { kind: 'room', ruleId: this.roomId }, { actions: [] })
  }

  listen(user: User): Promise<void> {
    const given = { pattern: KEYWORD, actions: ['notify', { set_tweak: 'highlight' }] }
    return this.#rule(user, this.tastes.listening, user, { kind: 'content', ruleId: 'word' }, given)
  }

  hush(user: User, whom: User): Promise<void> {
    const hushed = this.tastes.hushed.get(user) ?? new Set()
    return this.#rule(user, hushed, whom, { kind: 'sender', ruleId: whom }, { actions: [] })
  }

  async ignore(user: User, whom: User): Promise<void> {
    await this.resume()
    const ignored = this.tastes.ignored.get(user) ?? new Set()
    if (!ignored.delete(whom)) ignored.add(whom)
    const content = { ignored_users: Object.fromEntries([...ignored].map(one => [one, {}])) }
    const write = new AccountDataWriter(this.database)
    await this.database.commit({
      statements: [write.set(user, '', 'm.ignored_user_list', JSON.stringify(content))],
    })
  }

  async unreadAnywhere(user: User): Promise<number> {
    const rooms = await Promise.all(this.roomNids.map(nid => this.push.unread.ofRoom(user, nid)))
    return rooms.reduce((sum, { total }) => sum + total.notification_count, 0)
  }

  /** What is listed for a user of the room, newest first. */
  async notifications(user: User): Promise<Notification[]> {
    const { read } = this.test.core.context
    const all = { before: Number.MAX_SAFE_INTEGER, onlyHighlights: false, limit: 10_000 }
    const rows = await new PushActionReader(this.database).page(user, all)
    const here = rows.filter(({ roomNid }) => roomNid === this.roomNid)
    const events = await read.events.byNids(here.map(({ eventNid }) => eventNid))
    const ids = new Map(events.map(({ nid, event }) => [nid, event.eventId]))
    return here.map(({ eventNid, threadId: thread, highlight, read: isRead }) => {
      return { eventId: ids.get(eventNid) ?? '', thread, highlight, isRead }
    })
  }

  async unread(user: User): Promise<string> {
    const { main, threads } = await this.push.unread.ofRoom(user, this.roomNid)
    return [['main', main] as const, ...threads]
      .filter(([, count]) => count.notification_count > 0)
      .map(([thread, count]) => `${thread} ${count.notification_count}/${count.highlight_count}`)
      .toSorted()
      .join(', ')
  }
}
