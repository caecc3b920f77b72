import test from 'ava'
import { ErasureReader } from '../../storage/accounts/erasures.ts'
import { UserWriter } from '../../storage/accounts/user-writer.ts'
import { UserReader } from '../../storage/accounts/users.ts'
import { alice, SERVER_NAME, testAccounts, withAlice } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'

testDatabases(test, 'housekeeping that fails holds up none that comes after it', async (t, database) => {
  const { accounts, errors } = await withAlice(database)
  const interrupted = new Error('a room cannot be left')
  accounts.hooks.onDeactivate = () => Promise.reject(interrupted)
  await accounts.management.deactivate(alice, { erase: false })
  errors.length = 0
  const asked: string[] = []
  accounts.hooks.onDeactivate = async userId => void asked.push(userId)
  const failure = new Error('validations cannot be removed')
  Object.assign(accounts.emails, { prune: () => Promise.reject(failure) })
  await accounts.tidy()
  t.deepEqual(asked, [alice])
  t.deepEqual(errors, [failure])
})

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

testDatabases(
  test,
  'what was erased stays so when the account is given back and deactivated again',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const root = { userId: '@root:tessera.test', isAdmin: true } as const
    const erased = async () => (await new ErasureReader(database).since(0)).map(({ userId }) => userId)
    accounts.hooks.onDeactivate = async () => {}
    await accounts.management.deactivate(alice, { erase: true })
    t.deepEqual(await erased(), [alice])
    await accounts.administered.put({ ...root, tokenId: '', isGuest: false, deviceId: undefined }, alice, {
      deactivated: false,
    })
    await accounts.management.deactivate(alice, { erase: false })
    t.deepEqual(await erased(), [alice])
  },
)

testDatabases(
  test,
  'a log-out that is finished late does not pass for the end of a deactivation',
  async (t, database) => {
    const { accounts } = await withAlice(database)
    const [users, reader] = [new UserWriter(database), new UserReader(database)]
    await accounts.commands.endSessions(alice)
    t.deepEqual(await reader.pendingLogouts(10), [alice])
    await accounts.commands.deactivate(alice, { erase: false })
    await database.commit({ statements: [users.cleanedUp(alice, 'logout')] })
    t.deepEqual(await reader.pendingCleanups('', 10), [{ userId: alice, erase: false }])
  },
)
