import test from 'ava'
import { personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

test('into rooms that operators block nobody comes, nor is invited', async t => {
  const directory = temporaryDirectory(t)
  const before = await startTestServer({ directory })
  const ann = await registerPerson(before, 'ann')
  const bob = await registerPerson(before, 'bob')
  const [blocked, other] = [await ann.createOpenRoom(), await ann.createOpenRoom()]
  await before.close()
  const server = await startTestServer({ directory, settings: { rooms: { blocked: [blocked] } } })
  t.teardown(server.close)
  const [annAgain, bobAgain] = [personOf(server, ann), personOf(server, bob)]
  for (const [room, code] of [
    [blocked, '403 M_FORBIDDEN'],
    [other, '200 -'],
  ] as const) {
    const path = `/rooms/${encodeURIComponent(room)}`
    t.is(await annAgain.code('POST', `${path}/invite`, { user_id: bob.userId }), code)
    t.is(await bobAgain.code('POST', `${path}/join`, {}), code)
    const member = { membership: 'join' }
    t.is(await bobAgain.code('PUT', `${path}/state/m.room.member/${bob.userId}`, member), code)
    await annAgain.say(room, 'who is in it may leave it as ever')
    await annAgain.leave(room)
  }
})
