import test from 'ava'
import { PASSWORD } from '../../../test-kit/accounts.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { openWithProvider } from '../../../test-kit/provider-world.ts'

const ALICE = { sub: 'a', preferred_username: 'alice.a', name: 'Alice' }
const BOB = { sub: 'b', preferred_username: 'bob', name: 'Bob' }
const PAGE = '/account?action=chat.tessera.providers'
const END = `${PAGE}&disconnect=company`

test('who has a password signs in no longer with an account elsewhere', async t => {
  const { provider, browser, follow, linkToConnect, signIn, whoIs } = await openWithProvider(t, {
    settings: { registration: false },
  })
  provider.person = ALICE
  const alice = browser()
  await alice.signIn('/account')
  t.notRegex((await alice.get(END)).text, /No longer/, 'she does not yet')
  await follow(alice, (await linkToConnect(alice, PASSWORD)) ?? '')
  t.regex((await alice.get(PAGE)).text, /disconnect=company">No longer sign in with The company/)
  t.regex((await alice.get(END)).text, /<h1>No longer sign in with The company.*type="password"/s)
  t.is((await alice.post(END, { do: 'disconnect', password: 'wrong' })).status, 403)
  t.regex((await alice.post(END, { password: PASSWORD })).text, /type="password"/, 'the button was not used')
  t.regex((await alice.get(PAGE)).text, /You can sign in with The company/)
  t.regex((await alice.post(END, { do: 'disconnect', password: PASSWORD })).text, /It is saved/)
  t.notRegex((await alice.get(PAGE)).text, /You can sign in with/)
  t.is(await whoIs(alice), '@alice:tessera.test')
  const elsewhere = browser()
  t.is((await signIn(elsewhere, '/account')).came.status, 403)
  t.is(await whoIs(elsewhere), undefined)
})

test('who has no password keeps a way to sign in', async t => {
  const others = [{ id: 'school', name: 'The school' }]
  const world = await openWithProvider(t, { others })
  const { provider, accounts, browser, follow, linkToConnect, signIn, clock } = world
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  t.notRegex((await bob.get(PAGE)).text, /No longer/)
  t.notRegex((await bob.get(END)).text, /<h1>No longer/)
  const alone = accounts.providers.linked.disconnect('@bob:tessera.test', 'company')
  await t.throwsAsync(alone, { message: /any more/ })
  await follow(bob, (await linkToConnect(bob, undefined, 'school')) ?? '')
  await clock.advance(300_000)
  t.regex((await bob.get(END)).text, /Sign in once more/)
  t.regex((await bob.post(END, { do: 'disconnect' })).text, /Sign in once more/)
  await signIn(bob, END)
  await bob.get(END)
  t.regex((await bob.post(END, { do: 'disconnect' })).text, /It is saved/)
  const page = (await bob.get(PAGE)).text
  t.regex(page, /You can sign in with The school/)
  t.notRegex(page, /No longer/)
})

test('who ends all sessions has not shown by that who they are', async t => {
  const { provider, browser, signIn, whoIs, clock } = await openWithProvider(t, {})
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  await clock.advance(300_000)
  await bob.get('/account?action=chat.tessera.sessions_end')
  const ended = await bob.post('/account?action=chat.tessera.sessions_end', { do: 'end' })
  t.regex(ended.text, /The sessions are signed out/)
  t.is(await whoIs(bob), '@bob:tessera.test')
  t.regex((await bob.get('/account?action=chat.tessera.password')).text, /Sign in once more/)
  await clock.advance(3_300_000)
  t.is(await whoIs(bob), undefined, 'and stays no longer than without that')
})

testDatabases(test, 'who ends two of them at the same moment keeps one', async (t, database) => {
  const others = [{ id: 'school', name: 'The school' }]
  const world = await openWithProvider(t, { database, others })
  const { provider, accounts, browser, follow, linkToConnect, signIn } = world
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  await follow(bob, (await linkToConnect(bob, undefined, 'school')) ?? '')
  const { linked } = accounts.providers
  const remaining = async () =>
    (await linked.of('@bob:tessera.test')).filter(({ isLinked }) => isLinked).length
  t.is(await remaining(), 2)
  const end = (id: string) => linked.disconnect('@bob:tessera.test', id)
  const both = await Promise.allSettled([end('company'), end('school')])
  t.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  t.is(await remaining(), 1)
})

test('who has no password sets one, and needs the account elsewhere no longer', async t => {
  const { provider, browser, signIn, whoIs, clock } = await openWithProvider(t, {})
  provider.person = BOB
  const bob = browser()
  await signIn(bob, '/account')
  t.regex((await bob.get('/account')).text, /chat\.tessera\.password">Set a password/)
  const path = '/account?action=chat.tessera.password'
  const wanted = { password: 'a horse of his own', password_again: 'a horse of his own' }
  await clock.advance(300_000)
  t.regex((await bob.get(path)).text, /Sign in once more/, 'whoever finds a browser open sets none')
  t.regex((await bob.post(path, wanted)).text, /Sign in once more/)
  t.is((await browser().signIn('/account', 'bob', wanted.password)).status, 403)
  await signIn(bob, path)
  t.notRegex((await bob.get(path)).text, /name="current"/)
  t.is((await bob.post(path, { ...wanted, password_again: 'else' })).status, 400)
  t.regex((await bob.post(path, wanted)).text, /<h1>Set a password.*It is saved/s)
  t.is(await whoIs(bob), '@bob:tessera.test')
  const elsewhere = browser()
  await elsewhere.signIn('/account', 'bob', wanted.password)
  t.is(await whoIs(elsewhere), '@bob:tessera.test')
  await elsewhere.get(END)
  const over = await elsewhere.post(END, { do: 'disconnect', password: wanted.password })
  t.regex(over.text, /It is saved/)
})

testDatabases(
  test,
  'who has ended it is let in by no name that the provider gives, until they connect it again',
  async (t, database) => {
    const settings = { registration: false, linkByName: true }
    const { provider, browser, follow, linkToConnect, signIn, whoIs } = await openWithProvider(t, {
      database,
      settings,
    })
    const alice = browser()
    await alice.signIn('/account')
    const arrive = async (sub: string) => {
      provider.person = { sub, preferred_username: 'alice' }
      const visitor = browser()
      await signIn(visitor, '/account')
      return whoIs(visitor)
    }
    t.is(await arrive('a'), '@alice:tessera.test')
    await alice.get(END)
    t.regex((await alice.post(END, { do: 'disconnect', password: PASSWORD })).text, /It is saved/)
    for (const sub of ['a', 'whoever has the name now']) t.is(await arrive(sub), undefined)
    provider.person = { sub: 'a', preferred_username: 'alice' }
    await follow(alice, (await linkToConnect(alice, PASSWORD)) ?? '')
    t.is(await arrive('a'), '@alice:tessera.test')
  },
)
