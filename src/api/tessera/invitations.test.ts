/** Invitations on one server, as its people see them. */
import test, { type TestFn } from 'ava'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { ask, code, HOUR, invitedTo, list, one, path, TERMS } from '../../test-kit/invitations.ts'
import { newPerson, type Person, serverTests } from '../../test-kit/people.ts'

const clock = new FakeClock()
const onServer = serverTests(test.serial as TestFn, {
  clock,
  settings: { invitations: { max_sent: 5, max_received: 10_500 } },
})

onServer('B declines, silently and with a message', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ name: 'Tea', 'chat.tessera.media': ['text'] })
  await a.change('invite', roomId, b, { reason: '<b>come</b>\u0007' })
  const received = await one(b, roomId)
  t.like(received, { status: 'invited', reason: '<b>come</b>\u0007' }, 'stored as given')
  t.like(received.room, { name: 'Tea', media: ['text'], creator: a.userId, encryption: 'cleartext' })
  t.is(received.invited['displayname'], b.userId.slice(1).split(':')[0])
  t.is(received.inviter['displayname'], a.userId.slice(1).split(':')[0])
  t.deepEqual(await list(a, 'direction=sent'), { invitations: [received] })
  const elsewhere = await a.createRoom({ name: 'Cake' })
  await a.change('invite', elsewhere, b)
  for (const [person, direction] of [
    [a, 'sent'],
    [b, 'received'],
  ] as const) {
    const inRoom = async (id: string) =>
      (await list(person, `direction=${direction}&room_id=${encodeURIComponent(id)}`)).invitations
    t.deepEqual(await inRoom(roomId), [received])
    t.like(await inRoom(elsewhere), [{ room_id: elsewhere }])
    t.deepEqual(await inRoom('!none'), [])
  }
  await b.change('leave', elsewhere)

  await b.change('leave', roomId, undefined, { reason: 'no time' })
  t.like(await one(a, roomId, b), { status: 'declined', answer: 'no time', invited: received.invited })
  t.deepEqual((await list(b, 'status=invited&status=scheduled')).invitations, [])

  await a.change('invite', roomId, b)
  await b.change('leave', roomId, undefined, { reason: 'really not', 'chat.tessera.silent': true })
  t.is((await one(a, roomId, b)).answer, undefined, 'nothing is said')
  const shown = await a.api('GET', `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1`)
  t.false(JSON.stringify(shown).includes('really not'), 'nor in the room')
})

onServer('B was offline when invited, and A is offline when B comes', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const waiting = (person: Person) =>
    ask<{ items: { kind: string; sender: { user_id: string } }[] }>(
      person,
      'GET',
      '/_matrix/client/v1/chat.tessera/notifications',
    )
  const roomId = await a.createRoom({ name: 'Tea' })
  await a.change('invite', roomId, b, { reason: 'whenever you are back' })
  await clock.leap(30 * HOUR)
  await eventually('B finds it', async () => (await waiting(b)).items.length > 0)
  t.like(await waiting(b), { items: [{ kind: 'invitation', sender: { user_id: a.userId } }] })
  t.deepEqual(await invitedTo(b), [roomId])
  await b.change('join', roomId)
  await eventually('it is acted on', async () => (await waiting(b)).items.length === 0)
  await clock.leap(30 * HOUR)
  await eventually('A finds it', async () => (await waiting(a)).items.length > 0)
  t.like(await waiting(a), { items: [{ kind: 'invitation_accepted', sender: { user_id: b.userId } }] })
  t.is((await one(a, roomId, b)).status, 'accepted')
})

onServer('the record of a direct room names its two people', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const target = `/_matrix/client/v1/chat.tessera/direct/${encodeURIComponent(b.userId)}`
  const { room_id: roomId } = await ask<{ room_id: string }>(a, 'PUT', target)
  const pair = [a.userId, b.userId].toSorted()
  t.deepEqual((await one(b, roomId)).room['direct_key'], pair)
  const record = `/_matrix/client/v1/chat.tessera/rooms/${encodeURIComponent(roomId)}/record`
  t.deepEqual((await ask<{ direct_key: string[] }>(a, 'GET', record)).direct_key, pair)
})

onServer('an invitation is accepted by a plain join, and is not for others to see', async (t, server) => {
  const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ invite: [b.userId, c.userId], reason: 'hello' })
  t.is((await one(b, roomId)).reason, 'hello')
  t.is(await code(one(b, roomId, c)), '404 M_NOT_FOUND')
  await b.change('join', roomId)
  t.is((await one(a, roomId, b)).status, 'accepted')
  t.is(await code(a.change('invite', roomId, b)), '403 M_FORBIDDEN', 'the standard error')
  await c.setAccountData('m.ignored_user_list', { ignored_users: { [a.userId]: {} } })
  t.deepEqual((await list(c)).invitations, [], 'ignored users’ invitations never appear')
})

onServer(
  'what becomes of a room later, those who are not in it do not learn by old invitations',
  async (t, server) => {
    const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
    const roomId = await a.createRoom({ name: 'Tea', invite: [b.userId, c.userId] })
    await b.change('leave', roomId)
    await c.change('join', roomId)
    await c.change('invite', roomId, b)
    await c.change('leave', roomId)
    await b.change('leave', roomId)
    await a.setState(roomId, 'm.room.name', { name: 'The plan' })
    t.like((await one(b, roomId)).room, { name: 'Tea' })
    t.like((await one(c, roomId, b)).room, { name: 'Tea' })
    t.like((await list(b)).invitations[0]?.room, { name: 'Tea' })
    const calendar = await server.request('GET', `${path(roomId)}/invite.ics`, {
      token: b.account.accessToken,
    })
    t.notRegex(String(calendar.body), /The plan/)
    await a.change('invite', roomId, b)
    t.like((await one(b, roomId)).room, { name: 'The plan' })
  },
)

onServer('an invitation is cancelled by its inviter and by whoever may kick', async (t, server) => {
  const [a, b, c] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ invite: [b.userId] })
  await b.change('join', roomId)
  await b.change('invite', roomId, c)
  t.is(await code(ask(c, 'DELETE', path(roomId, c.userId))), '404 M_NOT_FOUND', 'that is declining')
  await a.change('kick', roomId, c)
  t.is((await one(b, roomId, c)).status, 'cancelled')
  await a.change('invite', roomId, c)
  await ask(a, 'DELETE', path(roomId, c.userId))
  t.is((await one(a, roomId, c)).status, 'cancelled')
  t.deepEqual(await invitedTo(c), [])
})

onServer('inviting again changes what changed, and nothing else', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom()
  const expires = { expires_ts: clock.now() + HOUR }
  await a.change('invite', roomId, b, { reason: 'come', [TERMS]: expires })
  const { next_batch: since } = await b.sync()
  await a.change('invite', roomId, b, { reason: 'come', [TERMS]: expires })
  t.is((await b.sync({ since })).rooms?.invite, undefined, 'nothing has happened')
  await a.change('invite', roomId, b, { reason: 'do come', [TERMS]: expires })
  t.true(roomId in ((await b.sync({ since })).rooms?.invite ?? {}))
  t.like(await one(b, roomId), { reason: 'do come', ...expires })
})

onServer(
  'who accepts at the moment of the withdrawal is in the room, or was never let in',
  async (t, server) => {
    const [a, b] = [await newPerson(server), await newPerson(server)]
    for (let n = 0; n < 5; n++) {
      const roomId = await a.createRoom()
      await a.change('invite', roomId, b)
      const [withdrawn, joined] = await Promise.all([
        code(ask(a, 'DELETE', path(roomId, b.userId))),
        code(b.change('join', roomId)),
      ])
      const isIn = (await b.api<{ joined_rooms: string[] }>('GET', '/joined_rooms')).joined_rooms.includes(
        roomId,
      )
      const expected = isIn ? ['404 M_NOT_FOUND', 'went through'] : ['went through', '403 M_FORBIDDEN']
      t.deepEqual([withdrawn, joined], expected)
      t.is((await one(a, roomId, b)).status, isIn ? 'accepted' : 'cancelled')
    }
  },
)

onServer('one account may have only so many invitations out', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom()
  for (let n = 0; n < 5; n++) {
    const body = { user_id: `@nobody${n}:localhost`, ...(n === 0 ? { [TERMS]: { delay_ms: HOUR } } : {}) }
    await a.api('POST', `/rooms/${encodeURIComponent(roomId)}/invite`, body)
  }
  t.is(await code(a.change('invite', roomId, b)), '403 M_FORBIDDEN')
  t.is(await code(a.change('invite', roomId, b, { [TERMS]: { delay_ms: HOUR } })), '403 M_FORBIDDEN')
  const content = { membership: 'invite' }
  t.is(await code(a.setState(roomId, 'm.room.member', content, b.userId)), '403 M_FORBIDDEN')
  t.is(await code(a.createRoom({ invite: [b.userId] })), '403 M_FORBIDDEN')
  t.is((await list(a, 'direction=sent&limit=2')).invitations.length, 2)
  t.is(
    (await list(a, 'direction=sent&limit=1000')).invitations.length,
    5,
    'a limit that is too high is bounded',
  )
  await ask(a, 'DELETE', path(roomId, '@nobody1:localhost'))
  await a.change('invite', roomId, b)
  t.deepEqual(await invitedTo(b), [roomId])
})

onServer('what is redacted of an invitation or its answer shows nowhere', async (t, server) => {
  const [a, b] = [await newPerson(server), await newPerson(server)]
  const roomId = await a.createRoom({ name: 'Tea' })
  const room = `/rooms/${encodeURIComponent(roomId)}`
  const redact = async (of: Person) => {
    const state = (await a.api('GET', `${room}/state`)) as { state_key: string; event_id: string }[]
    const eventId = state.find(one => one.state_key === of.userId)?.event_id ?? ''
    await a.api('PUT', `${room}/redact/${encodeURIComponent(eventId)}/${eventId.length}${of.userId}`, {})
  }
  const everything = async (person: Person) =>
    JSON.stringify([
      await one(person, roomId, b),
      await list(person, 'direction=received'),
      await ask(person, 'GET', '/_matrix/client/v1/chat.tessera/notifications'),
      (await person.sync()).rooms,
    ])
  const isGone = (person: Person, words: string) =>
    eventually('it is gone', async () => !(await everything(person)).includes(words))
  const event = { start: clock.now() + HOUR, summary: 'a secret place' }
  await a.change('invite', roomId, b, { reason: 'a secret word', [TERMS]: { ttl_ms: HOUR, event } })
  await eventually('it is told', async () => (await everything(b)).includes('secret'))
  await redact(b)
  await isGone(b, 'secret')
  const shown = await one(b, roomId)
  t.like(shown, { status: 'invited', expires_ts: event.start })
  t.is(shown.invited['displayname'], undefined)
  t.deepEqual(await invitedTo(b), [roomId])

  await b.change('leave', roomId, undefined, { reason: 'a secret reason' })
  await eventually('it is told', async () => (await everything(a)).includes('secret reason'))
  await redact(b)
  await isGone(a, 'secret reason')
  t.is((await one(a, roomId, b)).status, 'declined')
})

onServer(
  'a reason of which no event can be made is refused, also where the invitation stands',
  async (t, server) => {
    const [a, b] = [await newPerson(server), await newPerson(server)]
    const roomId = await a.createRoom({ invite: [b.userId] })
    const refused = async () => code(a.change('invite', roomId, b, { reason: '\ud800' }))
    t.is(await refused(), '400 M_BAD_JSON')
    await a.change('invite', roomId, b, { reason: 'x' })
    t.is(await refused(), '400 M_BAD_JSON')
  },
)
