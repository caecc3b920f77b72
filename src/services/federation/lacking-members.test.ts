import test from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { messagesOf, say, setState, stateAt } from '../../test-kit/federation-world.ts'
import {
  ALICE,
  BOB,
  byDave,
  completed,
  DAVE,
  headOf,
  joinPartially,
  scene,
  stateBeforeIds,
  stateIsShut,
} from '../../test-kit/partial-join.ts'
import { loadHead } from '../rooms/load-head.ts'

test('what somebody says who was banned before is heard until the members are known, and then forgotten', async t => {
  const s = await scene(t)
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.topic', content: { topic: 'fair' } })
  const powers = { users: { [DAVE]: 50 } }
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.power_levels', content: powers })
  const membership = await stateAt(s.big, s.roomId, 'm.room.member', DAVE)
  await s.big.rooms.memberships.ban({ sender: ALICE, userId: DAVE, roomId: s.roomId })
  // Nobody tells `here` of the ban: it lies in the members that are left out.
  await joinPartially(s)
  const join = await stateAt(s.here, s.roomId, 'm.room.member', BOB)
  if (join === undefined || membership === undefined) return t.fail('the scene is not set')
  const content = { msgtype: 'm.text', body: 'spam' }
  const spam = await byDave(s, join, { type: 'm.room.message', content, membership })
  const topic = { type: 'm.room.topic', stateKey: '', content: { topic: 'foul' } }
  const graffiti = await byDave(s, spam, { ...topic, membership })
  s.world.intercept = request => {
    const { to, path } = request
    if (to !== 'third.test' || !path.includes('/v1/event/')) return stateIsShut(request)
    return { status: 200, json: { pdus: [membership.pdu] } }
  }
  await s.world.send(s.third, s.here, [spam, graffiti])
  const answer = await say(s.here, BOB, s.roomId, 'who are you?')
  t.deepEqual(await messagesOf(s.here, s.roomId), ['spam', 'who are you?'])
  t.is((await stateAt(s.here, s.roomId, 'm.room.topic'))?.content['topic'], 'foul')

  s.open()
  await completed(s)
  t.deepEqual(await messagesOf(s.here, s.roomId), ['who are you?'])
  t.is((await stateAt(s.here, s.roomId, 'm.room.topic'))?.content['topic'], 'fair')
  const head = await headOf(s.here, s.roomId)
  t.is(head.memberships.get(DAVE), 'ban')
  const { events } = s.here.core.context.read
  t.truthy((await events.byId(spam.eventId))?.rejected)
  t.truthy((await events.byId(graffiti.eventId))?.rejected)
  t.deepEqual(
    head.extremities.map(end => end.eventId),
    [answer.eventId],
  )
  // Whoever holds all of it against the database finds the same.
  const loaded = await loadHead(s.here.core.context.read, s.roomId, 'here.test')
  const sorted = (map: ReadonlyMap<string, string> = new Map()) => Object.fromEntries([...map].sort())
  t.deepEqual(sorted(loaded?.stateMap()), sorted(head.stateMap()))
  t.deepEqual(sorted(loaded?.memberships), sorted(head.memberships))
})

test('while members are lacking, an event waits for what lies before it as long as nobody can be heard', async t => {
  const s = await scene(t)
  await joinPartially(s)
  await say(s.big, ALICE, s.roomId, 'first')
  const second = await say(s.big, ALICE, s.roomId, 'second')
  let asked = 0
  s.world.intercept = request => {
    if (!request.path.includes('/get_missing_events/')) return stateIsShut(request)
    asked += 1
    return 'unreachable'
  }
  await s.world.send(s.big, s.here, [second])
  t.true(asked > 0)
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  s.world.intercept = stateIsShut
  // What fills the gap is stored first, in a commit of its own.
  await eventually('it is tried again', async () => {
    await s.here.clock.advance(5_000)
    return (await messagesOf(s.here, s.roomId)).length > 1
  })
  t.deepEqual(await messagesOf(s.here, s.roomId), ['first', 'second'])
})

test('the state before what is said on a branch older than the join is asked for once the members are known', async t => {
  const s = await scene(t)
  const membership = await stateAt(s.big, s.roomId, 'm.room.member', DAVE)
  if (membership === undefined) return t.fail('the scene is not set')
  await setState(s.big, ALICE, s.roomId, { type: 'm.room.topic', content: { topic: 'later' } })
  await joinPartially(s)
  const content = { msgtype: 'm.text', body: 'from before' }
  const said = await byDave(s, membership, { type: 'm.room.message', content, membership })
  for (const server of [s.big, s.here]) await s.world.send(s.third, server, [said])
  t.deepEqual(await messagesOf(s.here, s.roomId), ['from before'])
  s.open()
  await completed(s)
  const state = await stateBeforeIds(s.here, s.roomId, said)
  t.deepEqual(state, await stateBeforeIds(s.big, s.roomId, said))
  const topic = await stateAt(s.here, s.roomId, 'm.room.topic')
  t.is(topic?.content['topic'], 'later')
  t.false(state.includes(topic?.eventId ?? ''))
})

test('a known ban keeps its effect while members are lacking', async t => {
  const s = await scene(t)
  await joinPartially(s)
  const ban = await setState(s.big, ALICE, s.roomId, {
    ...{ type: 'm.room.member', stateKey: DAVE, content: { membership: 'ban' } },
  })
  await s.world.send(s.big, s.here, [ban])
  const spam = await say(s.third, DAVE, s.roomId, 'spam')
  await s.world.send(s.third, s.here, [spam])
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  s.open()
  await completed(s)
  t.deepEqual(await messagesOf(s.here, s.roomId), [])
  t.is((await headOf(s.here, s.roomId)).memberships.get(DAVE), 'ban')
})
