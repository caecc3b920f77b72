import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { alice, PASSWORD, SERVER_NAME, testAccounts } from '../../test-kit/accounts.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { InteractiveChallenge } from './interactive-attempt.ts'

const DAY = 86_400_000

testDatabases(
  test,
  'a registration token makes no more accounts than it may, however many try at once',
  async (t, database) => {
    const { accounts, clock } = testAccounts(database, { registration: { mode: 'token' } })
    const { token } = await accounts.registrationTokens.create({ usesAllowed: 2 })
    const target = { method: 'POST', uri: '/register' }
    const auth = { type: 'm.login.registration_token', token }
    const register = (username: string) =>
      accounts.registration.register({ username, password: PASSWORD, auth }, target)
    const names = ['a', 'b', 'c', 'd']
    const outcomes = await Promise.allSettled(names.map(register))
    const taken = names[outcomes.findIndex(({ status }) => status === 'fulfilled')] ?? ''
    t.deepEqual(outcomes.map(outcome => outcome.status).sort(), [
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ])
    t.like((await accounts.registrationTokens.list())[0], { pending: 0, completed: 2, usesAllowed: 2 })
    t.false(await accounts.registrationTokens.isValid(token))

    const { token: other } = await accounts.registrationTokens.create({ usesAllowed: 1 })
    await t.throwsAsync(
      accounts.registration.register(
        { username: taken, password: PASSWORD, auth: { ...auth, token: other } },
        target,
      ),
      { message: /taken/ },
    )
    t.true(await accounts.registrationTokens.isValid(other), 'a refused name reserves nothing')
    await clock.advance(DAY)
    await accounts.registrationTokens.delete(other)
    await t.throwsAsync(accounts.registrationTokens.delete(other), { message: /no such/ })
  },
)

testDatabases(
  test,
  'a registration that was broken off holds a token for a while, and one that is slow makes no account too many',
  async (t, database) => {
    const terms = { tos: { version: '1', translations: { en: { name: 'Terms', url: 'https://x.test/' } } } }
    const { accounts, clock } = testAccounts(database, {
      registration: { mode: 'token', terms, email: 'off' },
    })
    const { token } = await accounts.registrationTokens.create({ usesAllowed: 1 })
    const attempt = async (username: string, auth: JsonObject) => {
      const request = { username, password: PASSWORD, auth }
      try {
        return (await accounts.registration.register(request, { method: 'POST', uri: '/register' })).user_id
      } catch (error) {
        if (error instanceof InteractiveChallenge) return error.body
        throw error
      }
    }
    const begin = async (username: string) =>
      (await attempt(username, { type: 'm.login.registration_token', token })) as JsonObject
    const broken = await begin('alice')
    t.deepEqual(broken['completed'], ['m.login.registration_token'])
    t.like(await begin('alice'), { errcode: 'M_FORBIDDEN' })
    t.like(await accounts.registrationTokens.get(token), { pending: 1 })
    await clock.advance(600_000)
    t.true(await accounts.registrationTokens.isValid(token))
    const again = await begin('alice')
    const finish = (username: string, { session = null }: JsonObject) =>
      attempt(username, { type: 'm.login.terms', session })
    t.is(await finish('alice', again), alice)
    await t.throwsAsync(finish('bob', broken), { message: /used up by others/ })
    t.false(await accounts.exists(`@bob:${SERVER_NAME}`))
    t.like(await accounts.registrationTokens.get(token), { pending: 0, completed: 1 })

    const deleted = await accounts.registrationTokens.create({})
    const begun = (await attempt('carol', {
      type: 'm.login.registration_token',
      token: deleted.token,
    })) as JsonObject
    await accounts.registrationTokens.delete(deleted.token)
    await t.throwsAsync(finish('carol', begun), { message: /used up/ })
  },
)
