import test from 'ava'
import { registerPerson } from '../../test-kit/person.ts'
import { testsOfTwo } from '../../test-kit/two-people.ts'

const path = encodeURIComponent
const withTwo = testsOfTwo(test)

withTwo('nobody redacts what they may not by calling it state', async (t, { ann, bob }) => {
  for (const version of ['10', '12']) {
    const power_level_content_override = { state_default: 0, events: { 'm.room.redaction': 0 } }
    const room = await ann.createRoom({
      preset: 'public_chat',
      room_version: version,
      power_level_content_override,
    })
    await bob.join(room)
    const event = await ann.say(room, 'stays')
    const put = (place: string) => bob.code('PUT', `/rooms/${path(room)}/${place}`, { redacts: event })
    t.is(await put('state/m.room.redaction/'), '400 M_INVALID_PARAM', version)
    t.is(await put('send/m.room.redaction/1'), '403 M_FORBIDDEN')
    t.like(await ann.get(`/rooms/${path(room)}/event/${path(event)}`), { content: { body: 'stays' } })
  }
})

withTwo('nobody undoes by a redaction what a room was made as', async (t, { ann }) => {
  for (const version of ['10', '11']) {
    const room = await ann.createRoom({
      preset: 'public_chat',
      room_version: version,
      creation_content: { 'm.federate': false, type: 'm.space' },
    })
    const { chunk } = await ann.get(`/rooms/${path(room)}/messages?dir=f&limit=1`)
    const [{ event_id: made = '' } = {}] = chunk as { event_id?: string }[]
    const redact = `/rooms/${path(room)}/redact/${path(made)}/1`
    t.is(await ann.code('PUT', redact, {}), version === '10' ? '403 M_FORBIDDEN' : '200 -')
    const kept = { 'm.federate': false, room_version: version, type: 'm.space' }
    t.like(await ann.get(`/rooms/${path(room)}/state/m.room.create`), kept)
  }
})

withTwo(
  'a redaction that is sent as an event keeps what it says, and its transaction',
  async (t, { ann }) => {
    for (const room_version of ['10', '11']) {
      const room = await ann.createRoom({ room_version })
      const [first, second] = [await ann.say(room, 'one'), await ann.say(room, 'two')]
      const send = (redacts: string) =>
        ann.put(`/rooms/${path(room)}/send/m.room.redaction/1`, { redacts, reason: 'so', 'x.y': [1] })
      const { event_id: sent } = await send(first)
      t.like(await ann.get(`/rooms/${path(room)}/event/${path(String(sent))}`), {
        redacts: first,
        content: { reason: 'so', 'x.y': [1] },
      })
      t.deepEqual(await send(second), { event_id: sent }, 'the same path again is the same request again')
      t.like(await ann.get(`/rooms/${path(room)}/event/${path(second)}`), { content: { body: 'two' } })
      const other = await ann.put(`/rooms/${path(room)}/redact/${path(second)}/1`, {})
      t.not(other['event_id'], sent, 'another endpoint has other transactions')
      for (const redacts of [undefined, null, [first]]) {
        const refused = await ann.code('PUT', `/rooms/${path(room)}/send/m.room.redaction/2`, { redacts })
        t.is(refused, '400 M_INVALID_PARAM')
      }
    }
  },
)

withTwo('what a redaction took away is shown nowhere', async (t, { server, ann, bob }) => {
  const room = await ann.createOpenRoom()
  await bob.join(room)
  const calls = { membership: 'join', displayname: 'Secret' }
  await ann.redact(room, await ann.setState(room, 'm.room.name', { name: 'Secret' }))
  await ann.redact(room, await bob.setState(room, 'm.room.member', calls, bob.userId))
  const cat = await registerPerson(server, 'cat')
  await ann.invite(room, cat.userId)
  const told = [await ann.get(`/rooms/${path(room)}/joined_members`), await cat.get('/sync')]
  t.notRegex(JSON.stringify(told), /Secret/)
  t.like(told[0], { joined: { [bob.userId]: {} } })
  await ann.post(`/rooms/${path(room)}/ban`, { user_id: bob.userId })
  const banned = await ann.get(`/rooms/${path(room)}/state/m.room.member/${path(bob.userId)}`)
  t.deepEqual(banned, { membership: 'ban' })
})
