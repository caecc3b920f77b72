import test from 'ava'
import { ProfileWriter } from '../../storage/accounts/profiles.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { ProfileWatch } from './profile-watch.ts'

testDatabases(
  test,
  'profiles wake those who ask for them and share a room; else nothing is read',
  async (t, db) => {
    const write = new ProfileWriter(db)
    const read: string[][] = []
    const watch = new ProfileWatch({
      db,
      memberships: {
        joinedRooms: async userIds => {
          read.push([...userIds])
          return new Map(userIds.map(userId => [userId, new Set([1])]))
        },
      },
      watch: { usersIn: roomNid => (roomNid === 1 ? ['@asking:x', '@other:x'] : []) },
    })
    const change = async (userId: string): Promise<string[]> => {
      await db.commit({ statements: [write.insert(userId, undefined)] })
      return [...(await watch.follow(db.position('profiles')))].toSorted()
    }
    t.deepEqual(await change('@a:x'), [])
    t.is(watch.position, db.position('profiles'))
    const [release, again] = [watch.ask('@asking:x'), watch.ask('@asking:x')]
    const elsewhere = watch.ask('@elsewhere:x')
    t.deepEqual(await change('@b:x'), ['@asking:x'])
    release()
    t.deepEqual(await change('@elsewhere:x'), ['@asking:x', '@elsewhere:x'], 'their own as well')
    again()
    t.deepEqual(await change('@c:x'), [])
    elsewhere()
    t.deepEqual(await change('@d:x'), [])
    t.deepEqual(read, [['@b:x'], ['@elsewhere:x'], ['@c:x']])
    t.is(watch.position, db.position('profiles'))
  },
)
