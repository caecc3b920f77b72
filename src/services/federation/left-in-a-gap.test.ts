import { isDeepStrictEqual } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { RoomEvent } from '../../core/event/event.ts'
import type { HistoryVisibility } from '../../core/history-visibility.ts'
import { FederationError } from '../../network/federation-client.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { CAROL, type Pair, pair } from '../../test-kit/federated-pair.ts'
import { arrived, say, setState, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { ALL_HISTORY, gapsOf, page, scene, silence } from '../../test-kit/missed-history.ts'

const ALICE = '@alice:a.test'

/** What a server that asks `b.test` is refused at an event: everything. */
const refusedAll = async (
  t: ExecutionContext,
  { client }: WorldServer,
  roomId: string,
  { eventId }: RoomEvent,
): Promise<void> => {
  const from = 'b.test'
  const questions: Record<string, () => Promise<unknown>> = {
    event: () => client.getEvent(from, eventId),
    auth: () => client.getEventAuth(from, { roomId, eventId }),
    state: () => client.getState(from, { roomId, eventId }),
    ids: () => client.getStateIds(from, { roomId, eventId }),
    missing: () =>
      client.getMissingEvents(from, { roomId, earliest: [], latest: [eventId], limit: 10, minDepth: 0 }),
    backfill: () => client.backfill(from, { roomId, from: [eventId], limit: 10 }),
  }
  for (const [name, ask] of Object.entries(questions))
    await t.throwsAsync(ask(), { instanceOf: FederationError, message: /not in this room/ }, name)
}

/** What a server that is in the room is given of an event's content by `b.test`, in each way. */
const given = async (
  { client }: WorldServer,
  roomId: string,
  { eventId, prevEvents, depth }: RoomEvent,
  later: RoomEvent,
): Promise<unknown[]> => {
  const from = 'b.test'
  const between = { earliest: prevEvents, latest: [later.eventId], limit: 20, minDepth: 0 }
  const answers = [
    [await client.getEvent(from, eventId)],
    await client.backfill(from, { roomId, from: [eventId], limit: 1 }),
    await client.getMissingEvents(from, { roomId, ...between }),
  ]
  return answers.map(pdus => pdus.find(pdu => pdu['depth'] === depth)?.['content'])
}

const thrice = (content: unknown): unknown[] => [content, content, content]

/** From when on a room shows its members nothing of before they came. */
interface Hidden {
  readonly visibility: HistoryVisibility
  readonly since: 'before' | 'in the gap'
}

/** Bob's server has nothing of some minutes, in which Carol was put out, who was all of her server. */
const carolLeft = async (p: Pair, membership: 'leave' | 'ban', hidden?: Hidden) => {
  const { a, b, world } = p
  const c = await world.add('c.test')
  const seen: RoomEvent[] = []
  const among: RoomEvent[] = []
  const { roomId, tell } = await scene(p, 0, async room => {
    await c.rooms.memberships.join({ userId: CAROL, roomId: room, via: ['a.test'] })
    const join = await stateAt(a, room, 'm.room.member', CAROL)
    const hide = async (since: Hidden['since']): Promise<RoomEvent[]> => {
      const content = { history_visibility: hidden?.visibility }
      if (hidden?.since !== since) return []
      return [await setState(a, ALICE, room, { type: 'm.room.history_visibility', content })]
    }
    seen.push(...(await hide('before')))
    seen.push(await say(a, ALICE, room, 'all together'))
    await world.send(a, b, [...(join === undefined ? [] : [join]), ...seen])
    const content = { membership }
    const out = await setState(a, ALICE, room, { type: 'm.room.member', stateKey: CAROL, content })
    await world.send(a, c, [out])
    await hide('in the gap')
    among.push(await say(a, ALICE, room, 'among ourselves'))
    const topic = { type: 'm.room.topic', content: { topic: 'her' } }
    among.push(await setState(a, ALICE, room, topic))
    silence(p, ALL_HISTORY)
    among.push(await say(a, ALICE, room, 'above'))
    await world.send(a, b, among.slice(-1))
    for (const { eventId } of among.slice(-1)) await arrived(b, eventId)
  })
  return { c, roomId, seen, among, tell }
}

for (const membership of ['leave', 'ban'] as const)
  testDatabases(
    test,
    `who was put out (${membership}) where another server has a gap reads there nothing of what was said since`,
    async (t, database) => {
      const p = await pair(t, database)
      const { b } = p
      const { c, roomId, seen, among } = await carolLeft(p, membership)
      t.true((await gapsOf(b, roomId)).length > 0)
      for (const event of among.slice(-1)) await refusedAll(t, c, roomId, event)
      for (const { eventId } of seen) t.truthy(await c.client.getEvent('b.test', eventId))

      silence(p, undefined)
      await page(b, roomId, { direction: 'b', limit: 100 })
      t.deepEqual(await gapsOf(b, roomId), [])
      for (const event of among) await refusedAll(t, c, roomId, event)
      for (const { eventId } of seen) t.truthy(await c.client.getEvent('b.test', eventId))
      const out = await stateAt(b, roomId, 'm.room.member', CAROL)
      t.truthy(out && (await c.client.getEvent('b.test', out.eventId)))
    },
  )

for (const order of ['oldest', 'newest'])
  test(`what a server saw it may ask for where its leave comes late, of what was missed the ${order} first`, async t => {
    const p = await pair(t)
    const { a, b, world } = p
    const { c, roomId, seen, among } = await carolLeft(p, 'leave')
    const out = await stateAt(a, roomId, 'm.room.member', CAROL)
    if (out === undefined) throw new Error('Carol was never there')
    const missed = [out, ...among.slice(0, -1)]
    const here = among.slice(-1)
    for (const event of order === 'oldest' ? missed : missed.toReversed()) {
      await world.send(a, b, [event])
      if (event !== out) here.push(event)
      for (const one of here) await refusedAll(t, c, roomId, one)
    }
    t.deepEqual(await gapsOf(b, roomId), [])
    for (const { eventId } of [...seen, out]) t.truthy(await c.client.getEvent('b.test', eventId))
    const before = await c.client.backfill('b.test', { roomId, from: [out.eventId], limit: 10 })
    t.true(before.some(({ content }) => isDeepStrictEqual(content, seen.at(-1)?.content)))
    const { stateIds } = await c.client.getStateIds('b.test', { roomId, eventId: out.eventId })
    t.false(stateIds.includes(out.eventId))
  })

const HIDDEN: readonly Hidden[] = [
  { visibility: 'joined', since: 'before' },
  { visibility: 'invited', since: 'before' },
  { visibility: 'joined', since: 'in the gap' },
]
for (const hidden of HIDDEN)
  testDatabases(
    test,
    `who comes back is not given what was said above a gap without them (${hidden.visibility}, ${hidden.since})`,
    async (t, database) => {
      const p = await pair(t, database)
      const { a, b, world } = p
      const { c, roomId, seen, among } = await carolLeft(p, 'leave', hidden)
      await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
      const join = await stateAt(a, roomId, 'm.room.member', CAROL)
      const last = await say(a, ALICE, roomId, 'together again')
      if (join === undefined) throw new Error('Carol is not back')
      await world.send(a, b, [join, last])
      await arrived(b, last.eventId)
      const together = seen.slice(-1)
      for (const event of among.slice(-1)) t.deepEqual(await given(c, roomId, event, last), thrice({}))
      for (const { eventId, content } of together)
        t.deepEqual((await c.client.getEvent('b.test', eventId))?.['content'], content)
      t.deepEqual(await given(c, roomId, join, last), thrice(join.content))

      silence(p, undefined)
      await page(b, roomId, { direction: 'b', limit: 100 })
      t.deepEqual(await gapsOf(b, roomId), [])
      const messages = among.filter(({ stateKey }) => stateKey === undefined)
      for (const event of messages) t.deepEqual(await given(c, roomId, event, last), thrice({}))
      for (const event of [...together, join])
        t.deepEqual(await given(c, roomId, event, last), thrice(event.content))
    },
  )
