import test from 'ava'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'

test('a room begins with as much state as its maker wants, within reason', async t => {
  const { rooms, core } = await testRooms(await testDatabase(t))
  const make = (length: number) => {
    const initialState = Array.from({ length }, (_, index) => ({
      ...{ type: 'm.space.child', stateKey: `!${index}`, content: {} },
    }))
    return rooms.roomCreation.create(newRoom(rooms, '@alice:here.test', { initialState }), {
      isDirect: false,
    })
  }
  const head = await core.writer.head(await make(2_000))
  t.is(head?.state.size, 2_006)
  await t.throwsAsync(make(5_001), { message: /at most 5000 state events/ })
})
