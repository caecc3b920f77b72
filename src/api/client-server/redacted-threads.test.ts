import test from 'ava'
import { aliceAndBob } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

const path = encodeURIComponent

test('what was redacted in a thread is read in the main timeline, where it is shown', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const { alice, bob } = await aliceAndBob(server)
  const room = await alice.createOpenRoom()
  await bob.join(room)
  const root = await bob.say(room, 'root')
  const inThread = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
  const left = await bob.say(room, 'left', inThread)
  const taken = await bob.say(room, 'taken back', inThread)
  const relatesTo = (event_id: string): object => ({
    'm.relates_to': { rel_type: 'm.annotation', event_id, key: 'x' },
  })
  const onLeft = await bob.send(room, 'm.reaction', { ...relatesTo(left) })
  const onTaken = await bob.send(room, 'm.reaction', { ...relatesTo(taken) })
  const read = (event: string, thread_id: string): Promise<string> =>
    alice.code('POST', `/rooms/${path(room)}/receipt/m.read/${path(event)}`, { thread_id })

  for (const event of [left, onLeft, taken, onTaken])
    t.is(await read(event, 'main'), '400 M_INVALID_PARAM', 'before')
  await bob.redact(room, taken)
  t.is(await read(left, 'main'), '400 M_INVALID_PARAM')
  t.is(await read(onLeft, 'main'), '400 M_INVALID_PARAM')
  t.is(await read(taken, 'main'), '200 -')
  t.is(await read(onTaken, 'main'), '200 -', 'what relates to it is shown there, too')
  t.is(await read(onTaken, root), '200 -', 'to a client that has not heard of it')
  t.is(await read(onTaken, left), '400 M_INVALID_PARAM')
  await bob.redact(room, onLeft)
  t.is(await read(onLeft, 'main'), '200 -', 'a reaction that was taken back')
})
