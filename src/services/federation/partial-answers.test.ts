import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import { buildEvent } from '../../core/event/builder.ts'
import { signatureKeyIds } from '../../core/signing.ts'
import { ALICE, CAROL, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { newRoom } from '../../test-kit/rooms.ts'

test('a partial answer to a join leaves out members, and says which servers are there', async t => {
  const { a, b, world } = await pair(t)
  const roomId = await sharedRoom({ a, b, world }, { preset: 'public_chat', name: 'Tea' })
  const c = await world.add('c.test')
  const template = await c.client.makeJoin('a.test', { roomId, userId: CAROL, versions: ['12'] })
  const { origin: _, ...fields } = template.event
  const head = await a.core.writer.head(roomId)
  if (head === undefined) throw new Error('no room')
  const joining = buildEvent(
    {
      version: head.version,
      roomId,
      type: 'm.room.member',
      sender: CAROL,
      stateKey: CAROL,
      content: { membership: 'join' },
      prevEvents: fields['prev_events'] as string[],
      authEvents: fields['auth_events'] as string[],
      depth: fields['depth'] as number,
      originServerTs: c.clock.now(),
    },
    'c.test',
    c.core.signingKey,
  )
  const { eventId, pdu } = joining
  const answer = await c.client.sendJoin('a.test', { roomId, eventId, event: pdu, omitMembers: true })
  t.true(answer.membersOmitted)
  t.deepEqual(answer.serversInRoom?.toSorted(), ['a.test', 'b.test'])
  t.false(answer.state.some(({ type }) => type === 'm.room.member'))
  t.true(answer.state.some(({ type }) => type === 'm.room.name'))
  const inBoth = answer.authChain.filter(one =>
    answer.state.some(other => canonicalJson(one) === canonicalJson(other)),
  )
  t.deepEqual(inBoth, [])
  t.is(
    signatureKeyIds(answer.event ?? {}, 'a.test').length,
    1,
    '“the resident homeserver then adds its signature”',
  )
})

test('of a room without a name, those who stand for it are told with a partial answer', async t => {
  const { a, world } = await pair(t)
  const fields = newRoom(a.rooms, ALICE, { preset: 'public_chat' })
  const roomId = await a.rooms.roomCreation.create(fields, { isDirect: false })
  for (let n = 0; n < 7; n++) await a.rooms.memberships.join({ userId: `@m${n}:a.test`, roomId })
  const c = await world.add('c.test')
  let told: Awaited<ReturnType<typeof c.client.sendJoin>> | undefined
  const { sendJoin } = c.client
  Object.assign(c.client, {
    sendJoin: async (...call: Parameters<typeof sendJoin>) => {
      told = await sendJoin(...call)
      return told
    },
  })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  const members = (told?.state ?? []).filter(({ type }) => type === 'm.room.member')
  t.deepEqual(
    members.map(one => one['state_key']).toSorted(),
    [ALICE, '@m0:a.test', '@m1:a.test', '@m2:a.test', '@m3:a.test'].toSorted(),
    'the first five',
  )
})
