import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { UserWriter } from '../../storage/accounts/user-writer.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, makeRoom, THERE, world } from '../../test-kit/remote-room.ts'
import { GuestAccess } from './guest-access.ts'

testDatabases(
  test,
  'a guest leaves at once what other servers said to let guests in',
  async (t, database) => {
    const w = await world(t, database)
    const { core, rooms } = w.here
    const guest = {
      userId: BOB,
      passwordHash: undefined,
      kind: 'guest',
      isAdmin: false,
      createdTs: 0,
    } as const
    await database.commit({ statements: [new UserWriter(database).insert(guest)] })
    const asked: (readonly string[])[] = []
    const guests = new GuestAccess({
      ...{ writer: core.writer, memberships: rooms.memberships, log: silentLog },
      saidElsewhere: async (_, servers) => {
        asked.push(servers)
        return true
      },
    })
    rooms.memberships.joinChecks.push(join => guests.check(join))
    const roomId = await makeRoom(w, { preset: 'public_chat' })
    const join = { userId: BOB, roomId, via: [THERE] }
    const refused = { message: 'Guests may not join this room' }
    await t.throwsAsync(rooms.memberships.join(join), refused)
    t.is((await core.writer.head(roomId))?.memberships.get(BOB), 'leave')
    const content = { guest_access: 'can_join' }
    await w.there.core.sender.send(roomId, {
      ...{ type: 'm.room.guest_access', stateKey: '', sender: ALICE, content },
    })
    await rooms.memberships.join(join)
    t.is((await core.writer.head(roomId))?.memberships.get(BOB), 'join', 'the room lets guests in now')
    t.deepEqual(asked, [[THERE], [THERE]], 'nobody is asked of a room that this server is in')
  },
)
