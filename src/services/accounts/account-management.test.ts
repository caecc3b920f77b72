import test from 'ava'
import { SERVER_NAME, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'

testDatabases(
  test,
  'deactivations that cannot be finished hold up no others, however many they are',
  async (t, database) => {
    const { accounts } = testAccounts(database)
    const userIds = Array.from({ length: 102 }, (_, index) => `@u${1000 + index}:${SERVER_NAME}`)
    for (const userId of userIds) {
      await accounts.createUser({ username: userId.slice(1, -SERVER_NAME.length - 1) })
      await accounts.management.deactivate(userId, { erase: false })
    }
    const [first, last] = [userIds[0], userIds.at(-1) ?? '']
    const asked: string[] = []
    accounts.hooks.onDeactivate = async userId => {
      asked.push(userId)
      if (userId !== last) throw new Error('a room cannot be left')
    }
    await accounts.management.resume()
    t.false(asked.includes(last))
    await accounts.management.resume()
    t.deepEqual(asked.splice(0).slice(100), userIds.slice(100))
    await accounts.management.resume()
    t.is(asked[0], first, 'they are tried again all the same')
    t.is(asked.splice(0).length, 100)

    // Who is to be erased now waits for no turn.
    await accounts.management.erase(last)
    t.deepEqual(asked, [last])
    await accounts.management.erase(last)
    t.deepEqual(asked, [last])
  },
)
