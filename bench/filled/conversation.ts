import type { JsonObject } from '../../src/core/json.ts'
import type { WriteStatement } from '../../src/storage/database.ts'
import { PushActionWriter } from '../../src/storage/push/push-action-writer.ts'
import { TransactionWriter } from '../../src/storage/rooms/transactions.ts'
import { type Stored, say } from './events.ts'
import type { FilledRoom, Member } from './rooms.ts'
import { DEVICE, LARGE_ROOM, type Said, type World } from './world.ts'

/** A room is talked in for so long before another one is. */
const BATCH = 50
/** What is said last, and may be answered. */
const KEPT = 20
const DAY_MS = 24 * 3600 * 1000
/** The large room gets this part of what is said. */
const IN_LARGE = 0.1

/** What was said last in a room, by its index. */
export type Spoken = ReadonlyMap<number, readonly Stored[]>

/** Has people talk until there are as many events as wanted: messages, replies, reactions, edits, threads, topics. */
export const talk = async (world: World, rooms: readonly FilledRoom[]): Promise<Spoken> => {
  const { database, scale, random, pace, clock } = world
  const begun = database.position('events')
  const spoken = new Map<number, readonly Stored[]>()
  const also = new Aftermath(world)
  for (let done = begun; done < scale.events; ) {
    const index = random.chance(IN_LARGE) ? LARGE_ROOM : busyRoom(world, rooms.length)
    const room = rooms[index]
    if (room === undefined) continue
    clock.pass(done / scale.events)
    const count = Math.min(BATCH, scale.events - done)
    const before = spoken.get(index) ?? []
    const said = Array.from({ length: count }, () => something(world, room, before))
    done += count
    await pace.add(
      say(world, room.roomId, said, events => also.transactions(events, room)).then(async stored => {
        spoken.set(index, stored.slice(-KEPT))
        await database.commit({ statements: also.notifying(stored, room) })
      }),
    )
    pace.show(done - begun, scale.events - begun)
  }
  await pace.done()
  return spoken
}

/** Some rooms are talked in more than others: the smaller the index, the more. */
const busyRoom = ({ random }: World, rooms: number): number => Math.floor(rooms * random.fraction() ** 2)

/** Nobody speaks who has to be let in first. */
const something = (world: World, room: FilledRoom, before: readonly Stored[]): Said => {
  const { random } = world
  const { userId, signer, name } = speaker(world, room.members)
  const of = (type: string, content: JsonObject, stateKey?: string): Said => ({
    ...{ type, content, sender: userId, signer },
    ...(stateKey === undefined ? {} : { stateKey }),
  })
  const target = before.length === 0 ? undefined : random.pick(before)
  const kind = random.fraction()
  if (kind < 0.01)
    return of('m.room.member', { membership: 'join', displayname: `${name} ${random.below(1000)}` }, userId)
  if (target !== undefined && kind < 0.08)
    return of('m.reaction', {
      'm.relates_to': {
        rel_type: 'm.annotation',
        event_id: target.eventId,
        key: random.pick(['👍', '🎉', '❤️']),
      },
    })
  if (room.isEncrypted) return of('m.room.encrypted', encrypted(world))
  const body = sentence(world)
  const text = { msgtype: 'm.text', body }
  if (target !== undefined && kind < 0.12)
    return of('m.room.message', {
      ...text,
      'm.relates_to': { rel_type: 'm.thread', event_id: target.eventId },
    })
  if (target !== undefined && kind < 0.16)
    return of('m.room.message', {
      ...text,
      'm.relates_to': { 'm.in_reply_to': { event_id: target.eventId } },
    })
  return of('m.room.message', text)
}

/** A few do most of the talking. */
const speaker = ({ random }: World, members: readonly Member[]): Member => {
  const member = members[Math.floor(Math.min(members.length, 200) * random.fraction() ** 2)]
  if (member === undefined) throw new Error('a room has no members')
  return member
}

const encrypted = ({ random }: World): JsonObject => ({
  algorithm: 'm.megolm.v1.aes-sha2',
  ciphertext: 'AwgA'.repeat(30 + random.below(60)),
  session_id: `session${random.below(100_000)}`,
})

const SYLLABLES: readonly string[] = 'ba de fi go lu ma ne pi ro su ta ve wi xo zu kri stal bor nem'.split(
  ' ',
)
/** Words are made of two or three syllables, and the first ones are used most. */
const sentence = ({ random }: World): string =>
  Array.from({ length: 3 + random.below(15) }, () => {
    const rank = Math.floor(SYLLABLES.length ** 3 * random.fraction() ** 3)
    const [a, b, c] = [
      rank % SYLLABLES.length,
      Math.floor(rank / SYLLABLES.length) % SYLLABLES.length,
      Math.floor(rank / SYLLABLES.length ** 2),
    ]
    return `${SYLLABLES[a]}${SYLLABLES[b]}${c === 0 ? '' : SYLLABLES[c]}`
  }).join(' ')

/** What comes of events: whom they notify, and which transactions of clients made them. */
class Aftermath {
  readonly #world: World
  readonly #actions: PushActionWriter
  readonly #transactions: TransactionWriter

  constructor(world: World) {
    this.#world = world
    this.#actions = new PushActionWriter(world.database)
    this.#transactions = new TransactionWriter(world.database)
  }

  /** Those of the last day are remembered. */
  transactions(events: readonly Omit<Stored, 'position'>[], room: FilledRoom): WriteStatement[] {
    const { clock, home } = this.#world
    if (clock.now() < clock.end - DAY_MS) return []
    const own = events.filter(({ sender }) => sender.endsWith(`:${home.serverName}`))
    return own.map(({ nid, eventId, sender }) => {
      const scope = `send ${room.roomId} m.room.message`
      const key = { userId: sender, deviceId: DEVICE, scope, txnId: `m${nid}` }
      return this.#transactions.remember(key, { id: eventId, nid }, clock.now())
    })
  }

  /** Two messages of each batch notify up to five people. */
  notifying(stored: readonly Stored[], room: FilledRoom): WriteStatement[] {
    const { random, clock } = this.#world
    const local = room.members.filter(({ user }) => user !== undefined)
    const rows = stored.slice(-2).flatMap(({ nid, position, sender }, index) => {
      const people = new Set(Array.from({ length: 5 }, () => random.pick(local).userId))
      people.delete(sender)
      return [...people].map(userId => ({
        ...{ userId, roomNid: room.nid, position, eventNid: nid, threadId: 'main', highlight: index === 1 },
        actions: index === 1 ? '["notify",{"set_tweak":"highlight"}]' : '["notify"]',
        ts: clock.now(),
      }))
    })
    return this.#actions.insert(rows)
  }
}
