/** Where two devices meet: bounded in size, number and time, and nobody overwrites what they have not read. */
import test from 'ava'
import { testAccounts } from '../../test-kit/accounts.ts'
import { testDatabase, testDatabases } from '../../test-kit/database.ts'

testDatabases(
  test,
  'a text is replaced by whoever has seen it, once; a repetition is answered alike',
  async (t, database) => {
    const { accounts, clock } = await testAccounts(database, { oauth: { qrCodes: 'anyone' } })
    const { rendezvous } = accounts
    const { id, sequenceToken: first, expiresInMs } = await rendezvous.create('hello', undefined)
    t.is(expiresInMs, 300_000)
    const { sequenceToken: second } = await rendezvous.write(id, first, 'answer')
    t.not(second, first)
    t.is((await rendezvous.write(id, first, 'answer')).sequenceToken, second, 'the answer was lost')
    await t.throwsAsync(rendezvous.write(id, first, 'another'), { message: /other side/ })
    const { sequenceToken: third } = await rendezvous.write(id, second, 'answer')
    t.not(third, second, 'the same text from the other side is news')
    await clock.advance(1_000)
    t.like(await rendezvous.read(id), { data: 'answer', sequenceToken: third, expiresInMs: 299_000 })
    await rendezvous.cancel(id)
    await t.throwsAsync(rendezvous.read(id), { message: /no such rendezvous/ })
    await t.throwsAsync(rendezvous.cancel(id), { message: /no such rendezvous/ })
  },
)

testDatabases(test, 'sessions end, and the oldest make place', async (t, database) => {
  const { accounts, clock } = await testAccounts(database, { oauth: { qrCodes: 'anyone' } })
  const { rendezvous } = accounts
  const oldest = await rendezvous.create('oldest', undefined)
  await clock.advance(1)
  const kept = await rendezvous.create('kept', undefined)
  await clock.advance(1)
  await Promise.all(Array.from({ length: 998 }, (_, n) => rendezvous.create(`${n}`, undefined)))
  await rendezvous.create('last', undefined)
  await t.throwsAsync(rendezvous.read(oldest.id), { message: /no such rendezvous/ })
  t.is((await rendezvous.read(kept.id)).data, 'kept')
  await clock.advance(300_000)
  await t.throwsAsync(rendezvous.read(kept.id), { message: /no such rendezvous/ })
  await t.throwsAsync(rendezvous.write(kept.id, kept.sequenceToken, 'late'), {
    message: /no such rendezvous/,
  })
  await accounts.tidy()
  const left = await database.all(database.prepare('SELECT rendezvous_id FROM rendezvous_sessions'), [])
  t.deepEqual(left, [])
})

test('who may begin is for the operator to say', async t => {
  const user = { userId: '@alice:example.org', deviceId: 'D', tokenId: 't', isGuest: false, isAdmin: false }
  const database = await testDatabase(t)
  const { rendezvous } = (await testAccounts(database)).accounts
  t.false(rendezvous.mayCreate(undefined))
  t.false(rendezvous.mayCreate({ ...user, isGuest: true }))
  await t.throwsAsync(rendezvous.create('x', undefined), { message: /Only users/ })
  t.is((await rendezvous.create('x', user)).data, 'x')
  await t.throwsAsync(rendezvous.create('ä'.repeat(2049), user), { message: /4096 bytes/ })
  for (const oauth of [{ enabled: false }, { qrCodes: 'off' as const }]) {
    const { accounts } = await testAccounts(database, { oauth })
    t.throws(() => accounts.rendezvous.mayCreate(user), { message: /not in use/ })
    await t.throwsAsync(accounts.rendezvous.read('any'), { message: /not in use/ })
  }
})
