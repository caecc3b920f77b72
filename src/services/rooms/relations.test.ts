import test from 'ava'
import { relationOf } from '../../core/relations.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const END = Number.MAX_SAFE_INTEGER

/** A room of Alice and Bob, with short ways to relate events in it. */
const conversation = async ({ rooms, core }: TestRooms) => {
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { invite: [BOB] }), {
    isDirect: false,
  })
  await rooms.memberships.join({ userId: BOB, roomId })
  const roomNid = (await core.context.read.rooms.byId(roomId))?.nid ?? 0
  let count = 0
  const send = async (
    userId: string,
    type: string,
    content: object,
    txnId = `t${count++}`,
  ): Promise<string> => {
    const message = { roomId, type, txnId, content: content as Record<string, string> }
    return (await rooms.sending.message(requesterOf(userId), message)).eventId
  }
  const relate = (
    userId: string,
    relType: string,
    parent: string,
    more: object = {},
    type = 'm.room.message',
  ) =>
    send(userId, type, {
      body: relType,
      'm.relates_to': { rel_type: relType, event_id: parent, ...more },
      ...more,
    })
  const redact = async (eventId: string) =>
    rooms.sending.redaction(requesterOf(ALICE), {
      roomId,
      redacts: eventId,
      txnId: `t${count++}`,
      reason: undefined,
    })
  const idsOf = async (nids: readonly number[]) =>
    (await core.context.read.events.byNids(nids)).map(({ event }) => event.eventId)
  const { relations, threads } = core.context.read
  return { roomId, roomNid, send, relate, redact, idsOf, relations, threads }
}

testDatabases(test, 'threads are counted, and redactions undo it', async (t, database) => {
  const { roomNid, send, relate, redact, idsOf, threads } = await conversation(await testRooms(database))
  const root = await send(ALICE, 'm.room.message', { body: 'root' })
  const other = await send(BOB, 'm.room.message', { body: 'other root' })
  const replies: string[] = []
  for (const sender of [ALICE, BOB, BOB]) replies.push(await relate(sender, 'm.thread', root))
  await relate(ALICE, 'm.thread', other)
  const thread = async () => (await threads.byRoots(roomNid, [root])).get(root)
  t.is((await thread())?.count, 3)
  t.deepEqual(await idsOf([(await thread())?.latestNid ?? 0]), [replies[2]])
  const list = async (participant?: string) =>
    (await threads.list(roomNid, END, 10, participant)).map(row => row.rootId)
  t.deepEqual(await list(), [other, root])
  await redact(replies[1] ?? '')
  t.is((await thread())?.count, 2)
  await redact(replies[2] ?? '')
  t.is((await thread())?.count, 1)
  t.deepEqual(await idsOf([(await thread())?.latestNid ?? 0]), [replies[0]])
  t.deepEqual(await list(BOB), [other], 'bob is in it as the sender of its root only')
  t.deepEqual(await list(ALICE), [other, root])
  t.deepEqual([...(await threads.participated(roomNid, [root, other], ALICE))].sort(), [root, other].sort())
  await redact(replies[0] ?? '')
  t.is(await thread(), undefined)
  await redact(replies[0] ?? '')
  t.deepEqual(await list(), [other])
})

testDatabases(test, 'of several edits the newest valid one counts', async (t, database) => {
  const kit = await testRooms(database)
  const { send, relate, redact, idsOf, relations } = await conversation(kit)
  const original = await send(ALICE, 'm.room.message', { body: 'original' })
  const nid = (await kit.core.context.read.events.byId(original))?.nid ?? 0
  const newest = async () => idsOf([...(await relations.replacements([nid], END)).values()])
  const edit = (sender: string, more: object, type?: string) =>
    relate(sender, 'm.replace', original, { 'm.new_content': { body: 'x' }, ...more }, type)
  await relate(ALICE, 'm.replace', original)
  await edit(BOB, {})
  await edit(ALICE, {}, 'm.sticker')
  t.deepEqual(await newest(), [], 'no new content, somebody else, another type')
  t.deepEqual([...(await relations.parents([nid]))], [nid])
  const first = await edit(ALICE, {})
  await kit.clock.advance(10)
  const second = await edit(ALICE, {})
  t.deepEqual(await newest(), [second])
  await redact(second)
  t.deepEqual(await newest(), [first])
  await redact(original)
  t.deepEqual(await newest(), [])
})

testDatabases(test, 'children are paged through, also through children of children', async (t, database) => {
  const { roomNid, send, relate, redact, idsOf, relations } = await conversation(await testRooms(database))
  const root = await send(ALICE, 'm.room.message', { body: 'root' })
  const a = await relate(ALICE, 'm.reference', root)
  const b = await relate(BOB, 'm.thread', root)
  const underA = await relate(ALICE, 'm.reference', a, {}, 'm.sticker')
  const deeper = await relate(BOB, 'm.reference', underA)
  const deepest = await relate(BOB, 'm.reference', deeper)
  const reaction = await relate(ALICE, 'm.annotation', b, {}, 'm.reaction')
  const find = async (more: object = {}) =>
    idsOf(
      (
        await relations.children({
          ...{ roomNid, parentId: root, relType: undefined, eventType: undefined, recurse: false },
          ...{ direction: 'f', after: 0, upTo: END, limit: 10, ...more },
        })
      ).map(place => place.nid),
    )
  t.deepEqual(await find(), [a, b])
  t.deepEqual(await find({ direction: 'b', limit: 1 }), [b])
  t.deepEqual(await find({ relType: 'm.reference' }), [a])
  t.deepEqual(await find({ relType: 'm.reference', eventType: 'm.sticker' }), [])
  t.deepEqual(await find({ recurse: true }), [a, b, underA, deeper, reaction], 'three levels')
  t.deepEqual(
    await find({ recurse: true, eventType: 'm.sticker' }),
    [underA],
    'also through what does not match',
  )
  t.deepEqual(await find({ recurse: true, relType: 'm.reference', direction: 'b' }), [deeper, underA, a])
  t.deepEqual(await find({ recurse: true, relType: 'm.annotation' }), [reaction], 'a reaction in a thread')
  t.deepEqual(await find({ relType: 'm.annotation' }), [])
  t.true(deepest.startsWith('$'))
  await redact(underA)
  t.deepEqual(await find({ recurse: true }), [a, b, reaction])
  t.deepEqual(await idsOf((await relations.references(roomNid, [root, a], END)).get(root) ?? []), [a])
})

testDatabases(
  test,
  'nobody reacts twice with the same, nor begins a thread at a reply',
  async (t, database) => {
    const { send, relate, redact, relations, roomNid } = await conversation(await testRooms(database))
    const root = await send(ALICE, 'm.room.message', { body: 'root' })
    const react = (sender: string, key: string, type = 'm.reaction', txnId?: string) =>
      send(sender, type, { 'm.relates_to': { rel_type: 'm.annotation', event_id: root, key } }, txnId)
    const attempts = await Promise.allSettled([1, 2, 3].map(() => react(ALICE, '👍')))
    t.is(attempts.filter(({ status }) => status === 'fulfilled').length, 1)
    await t.throwsAsync(react(ALICE, '👍'), { message: /reacted with this already/ })
    await react(ALICE, '👎')
    await react(ALICE, '👍', 'org.example.mark')
    const theirs = await react(BOB, '👍', 'm.reaction', 'same')
    t.is(await react(BOB, '👍', 'm.reaction', 'same'), theirs, 'a request sent again')
    await redact(theirs)
    t.false(
      await relations.hasAnnotation(roomNid, { parentId: root, sender: BOB, type: 'm.reaction', key: '👍' }),
    )
    await react(BOB, '👍')
    const reply = await relate(BOB, 'm.thread', root)
    await t.throwsAsync(relate(ALICE, 'm.thread', reply), { message: /thread cannot begin/ })
    await redact(reply)
    await t.notThrowsAsync(relate(ALICE, 'm.thread', reply), 'redacted, it relates to nothing')
  },
)

test('what does not match the schema is no relation', t => {
  const read = (relates: unknown) =>
    relationOf({
      type: 'm.room.message',
      stateKey: undefined,
      content: { 'm.relates_to': relates as string },
    })
  t.like(read({ rel_type: 'm.thread', event_id: '$a' }), {
    relType: 'm.thread',
    parentId: '$a',
    key: undefined,
  })
  for (const bad of [
    undefined,
    'text',
    [],
    { event_id: '$a' },
    { rel_type: 'x' },
    { rel_type: 1, event_id: '$a' },
    { rel_type: 'x', event_id: '$'.repeat(256) },
    { rel_type: 'x\0', event_id: '$a' },
    { rel_type: 'x', event_id: '$\ud800' },
    { 'm.in_reply_to': { event_id: '$a' } },
  ]) {
    t.is(read(bad), undefined, JSON.stringify(bad))
  }
})
