import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'

testDatabases(
  test,
  'aliases of other servers are asked for all at once, and not very many of them',
  async (t, database) => {
    let room = ''
    const asked: string[] = []
    let [underWay, most] = [0, 0]
    const { rooms } = await testRooms(database, {
      queryRemoteAlias: async (server, alias) => {
        asked.push(alias)
        most = Math.max(most, ++underWay)
        await new Promise(setImmediate)
        underWay--
        return { roomId: server === 'other.test' ? '!other:other.test' : room, servers: [server] }
      },
    })
    room = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
    const put = (aliases: readonly string[], userId = ALICE) =>
      rooms.sending.state(requesterOf(userId), {
        roomId: room,
        type: 'm.room.canonical_alias',
        stateKey: '',
        content: { alt_aliases: aliases },
      })
    const aliases = Array.from({ length: 70 }, (_, n) => `#a${n}:far${n}.test`)
    await t.throwsAsync(put(aliases), { message: /At most 50/ })
    t.deepEqual(asked, [])
    await put([...aliases.slice(0, 50), ...aliases.slice(0, 10)])
    t.deepEqual(asked.splice(0), aliases.slice(0, 50))
    t.is(most, 50)
    await put(aliases)
    t.deepEqual(asked, aliases.slice(50), 'those that were there stay unchecked')
    await t.throwsAsync(put([...aliases, '#tea:other.test']), { message: /#tea:other.test does not lead/ })

    asked.splice(0)
    const bob = '@bob:here.test'
    await rooms.memberships.invite({ sender: ALICE, userId: bob, roomId: room })
    for (const join of [() => undefined, () => rooms.memberships.join({ userId: bob, roomId: room })]) {
      await join()
      const refused = put(['#tea:far.test'], bob)
      t.like(await t.throwsAsync(refused), { errcode: 'M_FORBIDDEN' }, 'who may not name the room')
    }
    t.deepEqual(asked, [])
  },
)
