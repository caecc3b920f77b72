import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { type AcceptanceRules, AutomaticAcceptance } from './acceptance.ts'

const [A, B, C] = ['@a:here.test', '@b:here.test', '@c:here.test']
const IGNORED = '@ignored:here.test'

testDatabases(test, 'invitations are accepted by the rules, and once', async (t, db) => {
  const { core, rooms, clock } = await testRooms(db)
  const noted: string[][] = []
  const accepting = (accept: AcceptanceRules['accept']): AutomaticAcceptance => {
    const acceptance = new AutomaticAcceptance({
      ...{ context: core.context, memberships: rooms.memberships, clock, log: silentLog },
      rules: { accept, acceptFrom: 'anybody' },
      isActive: async userId => userId !== C,
      isWanted: async ({ inviter }) => inviter !== IGNORED,
      noteDirect: async (...entry) => void noted.push(entry),
    })
    acceptance.start()
    return acceptance
  }
  const make = (isDirect: boolean, maker = A) =>
    rooms.roomCreation.create(newRoom(rooms, maker, { invite: [B, C] }), { isDirect })
  const memberships = async (roomId: string) => {
    const head = await core.writer.head(roomId)
    return [B, C].map(userId => head?.memberships.get(userId))
  }
  const old = await make(true)
  await clock.leap(3_600_001)
  const off = accepting('none')
  const first = accepting('direct')
  const [direct, other, unwanted] = [await make(true), await make(false), await make(true, IGNORED)]
  await first.settled()
  await off.settled()
  t.deepEqual(await memberships(old), ['invite', 'invite'], 'what is old is left to its user')
  t.deepEqual(await memberships(direct), ['join', 'invite'], 'not for whom that is not active')
  t.deepEqual(await memberships(other), ['invite', 'invite'])
  t.deepEqual(await memberships(unwanted), ['invite', 'invite'], 'not from whom they do not want to hear of')
  t.deepEqual(noted, [[B, A, direct]])
  await rooms.memberships.leave({ userId: B, roomId: direct })
  await first.close()

  const unseen = await make(false)
  const second = accepting('all')
  await second.settled()
  await second.close()
  t.deepEqual(await memberships(unwanted), ['invite', 'invite'])
  t.deepEqual(await memberships(unseen), ['join', 'invite'], 'also what came while nobody looked')
  t.deepEqual(await memberships(direct), ['leave', 'invite'], 'who has left is not brought back')
})

testDatabases(
  test,
  'a join is tried again, until the invitation is answered or time is up',
  async (t, db) => {
    const { core, rooms, clock } = await testRooms(db)
    let tries = 0
    let failures = 2
    const acceptance = new AutomaticAcceptance({
      ...{ context: core.context, clock, log: silentLog },
      memberships: {
        join: async change => {
          tries++
          if (tries <= failures) throw new MatrixError('M_FORBIDDEN', 'not invited yet')
          await rooms.memberships.join(change)
        },
      },
      rules: { accept: 'all', acceptFrom: 'local' },
      isActive: async () => true,
      isWanted: async () => true,
      noteDirect: async () => {},
    })
    acceptance.start()
    const invite = async (): Promise<string> => {
      const roomId = await rooms.roomCreation.create(newRoom(rooms, A, { invite: [B] }), { isDirect: false })
      let isSettled = false
      const settled = acceptance.settled().then(() => {
        isSettled = true
      })
      // Time moves on where a pause has begun, and not while the database works.
      for (let seen = 0; !isSettled; ) {
        const hasFailed = tries > seen
        seen = tries
        if (hasFailed) await clock.advance(70_000)
        else await new Promise(resolve => setImmediate(resolve))
      }
      await settled
      return roomId
    }
    const membership = async (roomId: string) => (await core.writer.head(roomId))?.memberships.get(B)
    t.is(await membership(await invite()), 'join')
    t.is(tries, 3)
    tries = 0
    failures = 100
    t.is(await membership(await invite()), 'invite')
    t.is(tries, 5)
    await acceptance.close()
  },
)
