/** Invitations that come later, and that end. */
import test, { type TestFn } from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { ask, code, HOUR, invitedTo, list, one, path, TERMS } from '../../test-kit/invitations.ts'
import { newPerson, Person, serverTests } from '../../test-kit/people.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

const clock = new FakeClock()
const onServer = serverTests(test.serial as TestFn, { clock })

onServer('an invitation expires', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom()
  await a.change('invite', roomId, b, { [TERMS]: { ttl_ms: HOUR } })
  t.is((await one(b, roomId)).expires_ts, clock.now() + HOUR)
  t.deepEqual(await invitedTo(b), [roomId])
  await clock.leap(HOUR)
  await eventually('it has expired', async () => (await one(b, roomId)).status === 'expired')
  t.deepEqual(await invitedTo(b), [])
  await t.throwsAsync(b.change('join', roomId), { message: /403 M_FORBIDDEN: .*has expired/ })
  await a.change('invite', roomId, b)
  await b.change('join', roomId)
  t.is((await one(a, roomId, b)).status, 'accepted', 'the next one counts')
})

onServer('what no event can hold is not put off either, to fail when it is due', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({})
  const later = (reason: string) =>
    code(a.change('invite', roomId, b, { reason, 'chat.tessera.invitation': { delay_ms: 60_000 } }))
  t.is(await later('\ud800'), '400 M_BAD_JSON')
  t.is(await later('x'.repeat(65_000)), '413 M_TOO_LARGE')
  t.is(await later('x'), 'went through')
})

onServer(
  'who could not be invited to a new room is tried again, and that can be seen and withdrawn',
  async (t, server) => {
    const a = await newPerson(server)
    const far = '@far:away.invalid'
    const roomId = await a.createRoom({ invite: [far], reason: 'come' })
    const [sent, ...others] = (await list(a, 'direction=sent')).invitations
    t.like(sent, { room_id: roomId, status: 'scheduled', reason: 'come', invited: { user_id: far } })
    t.deepEqual(others, [])
    await ask(a, 'DELETE', path(roomId, far))
    t.is((await list(a, 'direction=sent')).invitations[0]?.status, 'cancelled')
  },
)

onServer('who may invite but not kick takes invitations back all the same', async (t, server) => {
  const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ invite: [b.userId] })
  await b.change('join', roomId)
  await b.change('invite', roomId, c, { [TERMS]: { ttl_ms: HOUR } })
  let { next_batch: since } = await c.sync()
  await clock.leap(HOUR)
  await eventually('it has expired', async () => (await one(c, roomId)).status === 'expired')
  // By the end of the invitation, or by the event that follows from it.
  await eventually('the client is told', async () => {
    const told = await c.sync({ since })
    since = told.next_batch
    return roomId in (told.rooms?.leave ?? {})
  })
  t.is(await code(c.change('join', roomId)), '403 M_FORBIDDEN')

  await b.change('invite', roomId, c, { reason: 'again' })
  t.deepEqual(await invitedTo(c), [roomId])
  await ask(b, 'DELETE', path(roomId, c.userId))
  t.is((await one(c, roomId)).status, 'cancelled')
  t.deepEqual(await invitedTo(c), [])
  t.is(await code(c.change('join', roomId)), '403 M_FORBIDDEN')
  t.is(await code(ask(b, 'DELETE', path(roomId, c.userId))), '404 M_NOT_FOUND', 'it is over')
})

onServer('an invitation is scheduled', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom()
  const plan = { delay_ms: 2 * HOUR, ttl_ms: HOUR }
  await a.change('invite', roomId, b, { reason: 'later', [TERMS]: plan })
  t.like(await one(a, roomId, b), { status: 'scheduled', expires_ts: clock.now() + 3 * HOUR })
  t.is(await code(one(b, roomId)), '404 M_NOT_FOUND', 'it is not theirs to see yet')
  t.deepEqual(await invitedTo(b), [])
  await a.change('invite', roomId, b, { reason: 'sooner', [TERMS]: { delay_ms: HOUR } })
  await clock.leap(HOUR)
  await eventually('it is there', async () => (await invitedTo(b)).includes(roomId))
  t.like(await one(b, roomId), { status: 'invited', reason: 'sooner' })

  await b.change('leave', roomId)
  await a.change('invite', roomId, b, { [TERMS]: { delay_ms: HOUR } })
  await ask(a, 'DELETE', path(roomId, b.userId))
  await clock.leap(HOUR)
  await clock.advance(10_000)
  t.is((await one(a, roomId, b)).status, 'cancelled')
  t.deepEqual(await invitedTo(b), [])
})

onServer('an invitation to a chat is one also where it is sent later', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({
    ...{ is_direct: true, preset: 'trusted_private_chat', invite: [b.userId] },
    [TERMS]: { delay_ms: HOUR },
  })
  t.is((await one(a, roomId, b)).status, 'scheduled')
  await clock.leap(HOUR)
  await eventually('it is there', async () => (await invitedTo(b)).includes(roomId))
  const { events } = (await b.sync()).rooms?.invite?.[roomId]?.invite_state ?? { events: [] }
  t.is(events.find(event => event.state_key === b.userId)?.content['is_direct'], true)
})

test.serial('what is scheduled survives restarts', async t => {
  const directory = temporaryDirectory(t)
  const time = new FakeClock()
  const before = await startTestServer({ directory, clock: time })
  const [a, b] = [await newPerson(before), await newPerson(before)]
  const roomId = await a.createRoom()
  await a.change('invite', roomId, b, { reason: 'later', [TERMS]: { delay_ms: HOUR, ttl_ms: HOUR } })
  await before.close()
  await time.leap(HOUR)
  const after = await startTestServer({ directory, clock: time })
  t.teardown(after.close)
  const again = new Person(after, b.account)
  await eventually('it is there', async () => (await invitedTo(again)).includes(roomId))
  t.like(await one(again, roomId), { status: 'invited', reason: 'later' })
  await time.leap(HOUR)
  await eventually('it has expired', async () => (await one(again, roomId)).status === 'expired')
})

onServer('a scheduled invitation that is no longer possible fails visibly', async (t, server) => {
  const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ invite: [b.userId] })
  await b.change('join', roomId)
  await b.change('invite', roomId, c, { [TERMS]: { delay_ms: HOUR } })
  t.is(await code(a.change('invite', roomId, c, { [TERMS]: { delay_ms: HOUR } })), '403 M_FORBIDDEN')
  await b.change('leave', roomId)
  await clock.leap(HOUR)
  await eventually('it has failed', async () => (await one(b, roomId, c)).status === 'cancelled')
  t.is((await one(b, roomId, c)).failure?.errcode, 'M_FORBIDDEN')
  t.is(
    await code(b.change('invite', roomId, c, { [TERMS]: { delay_ms: HOUR } })),
    '403 M_FORBIDDEN',
    'what is impossible now is refused now',
  )
})

onServer('bad terms are refused and change nothing', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom()
  const now = clock.now()
  const century = 100 * 366 * 24 * HOUR
  const bad = [
    { expires_ts: now - 1 },
    { expires_ts: 0 },
    { ttl_ms: 0 },
    { ttl_ms: -HOUR },
    { ttl_ms: 2 ** 53 },
    { ttl_ms: century },
    { deliver_ts: now - 1 },
    { delay_ms: century },
    { ttl_ms: HOUR, expires_ts: now + HOUR },
    { delay_ms: HOUR, deliver_ts: now + HOUR },
    { delay_ms: 2 * HOUR, expires_ts: now + HOUR },
    { event: { start: now + 2 * HOUR, end: now + HOUR } },
    { event: { start: now - 2 * HOUR, end: now - HOUR } },
    { event: { start: now + century } },
    { event: { start: now + HOUR, summary: 'x'.repeat(501) } },
  ]
  for (const terms of bad) {
    t.is(
      await code(a.change('invite', roomId, b, { [TERMS]: terms })),
      '400 M_INVALID_PARAM',
      JSON.stringify(terms),
    )
  }
  for (const terms of ['soon', { ttl_ms: '1h' }, { event: {} }]) {
    t.regex(await code(a.change('invite', roomId, b, { [TERMS]: terms })), /^400 M_(BAD_JSON|MISSING_PARAM)$/)
  }
  const byHand = { membership: 'invite', [TERMS]: { expires_ts: now - 1 } }
  t.is(await code(a.setState(roomId, 'm.room.member', byHand, b.userId)), '400 M_INVALID_PARAM')
  t.is(await code(a.createRoom({ invite: [b.userId], [TERMS]: { ttl_ms: 0 } })), '400 M_INVALID_PARAM')
  t.deepEqual((await list(a, 'direction=sent')).invitations, [])
  t.deepEqual(await invitedTo(b), [])
  t.is(await code(list(a, 'from=nowhere')), '400 M_INVALID_PARAM')
  t.is(await code(list(a, 'limit=0')), '400 M_INVALID_PARAM')
})
