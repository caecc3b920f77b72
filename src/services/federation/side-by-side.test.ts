import test from 'ava'
import { OutboundError } from '../../network/outbound-error.ts'
import { ALICE, completed, joinPartially, membersOf, scene } from '../../test-kit/partial-join.ts'
import { newRoom } from '../../test-kit/rooms.ts'

test('rooms whose servers do not answer keep no other from being completed', async t => {
  const s = await scene(t)
  const { big, here, world } = s
  const fields = { preset: 'public_chat' } as const
  const make = () => big.rooms.roomCreation.create(newRoom(big.rooms, ALICE, fields), { isDirect: false })
  const silent = [await make(), await make(), await make()]
  const over = Promise.withResolvers<never>()
  world.transport = ({ path }, deliver) => {
    const asked = decodeURIComponent(path)
    return asked.includes('/state_ids/') && silent.some(roomId => asked.includes(roomId))
      ? over.promise
      : deliver()
  }
  s.open()
  for (const roomId of silent) await joinPartially({ ...s, roomId })
  await joinPartially(s)
  await completed(s)
  t.is((await membersOf(here, s.roomId)).length, 11)
  over.reject(new OutboundError('timeout', 'it does not answer'))
})
