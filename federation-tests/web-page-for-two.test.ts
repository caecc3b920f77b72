/** Two people on two federated servers talk by the page at `/`, in Chromium. */
import test from 'ava'
import { TEST_PASSWORD } from '../src/test-kit/server.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { startFederatedServers } from './federated-servers.ts'
import { message, say, signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

browserTest('two people on two servers: invitation, comment, conversation', async t => {
  t.timeout(PATIENCE_MS)
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  const browser = await openBrowser()
  const alice = await openPage(t, browser, tea.url)
  const bob = await openPage(t, browser, cake.url, {
    colorScheme: 'dark',
    viewport: { width: 390, height: 760 },
    hasTouch: true,
  })
  await Promise.all([signUp(alice, 'alice'), signUp(bob, 'bob')])
  await photograph(alice, 'empty')

  await alice.getByRole('button', { name: 'New room' }).click()
  await alice.getByLabel('Name').fill('Tea room')
  await alice.getByLabel('Topic').fill('Leaves, water, time')
  await alice.getByRole('button', { name: 'Create', exact: true }).click()
  await alice.getByRole('heading', { name: 'Tea room' }).waitFor()
  await alice.getByRole('button', { name: 'Invite' }).click()
  await alice.getByLabel('User').fill('@bob:cake.test')
  await alice.getByLabel('A comment').fill('Kettle is \u202eon <b>now</b>')
  await photograph(alice, 'inviting')
  await alice.getByRole('button', { name: 'Invite', exact: true }).click()

  const invitation = bob.locator('.invitation')
  await invitation.waitFor()
  const shown = await invitation.innerText()
  for (const part of ['Tea room', 'Leaves, water, time', 'alice invites you', 'Kettle is on <b>now</b>'])
    t.true(shown.includes(part), part)
  t.false(shown.includes('\u202e'), 'nothing turns the words beside it')
  await photograph(bob, 'invited')
  await bob.getByRole('button', { name: 'Accept' }).click()
  await bob.getByRole('heading', { name: 'Tea room' }).waitFor()
  await alice.getByText('bob is here').waitFor()

  await say(bob, 'Hello <i>there</i> https://example.org/leaves')
  await message(alice, 'Hello <i>there</i>').waitFor()
  t.is(await message(alice, 'Hello').getByRole('link').getAttribute('href'), 'https://example.org/leaves')
  await alice.getByRole('textbox', { name: 'Message' }).pressSequentially('typing')
  await bob.getByText('alice is typing').waitFor()
  for (const text of ['Welcome!', 'Milk?', 'Sugar?']) await say(alice, text)
  await message(bob, 'Sugar?').waitFor()
  t.deepEqual(await bob.locator('.message .body').allInnerTexts(), [
    'Hello <i>there</i> https://example.org/leaves',
    'Welcome!',
    'Milk?',
    'Sugar?',
  ])
  await photograph(alice, 'conversation')
  await photograph(bob, 'conversation-on-a-phone')

  await alice.reload()
  await alice.locator('nav').getByRole('button', { name: 'Tea room' }).click()
  await message(alice, 'Sugar?').waitFor()
})

browserTest('a chat of two: declined, opened again, asked for, and joined by a third', async t => {
  t.timeout(PATIENCE_MS)
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  const browser = await openBrowser()
  const [alice, bob, carol] = await Promise.all([tea, cake, tea].map(({ url }) => openPage(t, browser, url)))
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error('nobody')
  await Promise.all([signUp(alice, 'alice'), signUp(bob, 'bob'), signUp(carol, 'carol')])
  const chatWithBob = async (): Promise<void> => {
    await alice.getByRole('button', { name: 'Chat with' }).click()
    await alice.getByLabel('User').fill('@bob:cake.test')
    await alice.getByRole('button', { name: 'Chat', exact: true }).click()
    await alice.getByRole('button', { name: 'Ask to talk' }).waitFor()
  }

  await chatWithBob()
  // With the room before her eyes alice would have read of it at once.
  await alice.reload()
  await bob.getByRole('button', { name: 'Decline' }).click()
  await bob.getByLabel('A message for alice').fill('Not now')
  await bob.getByRole('button', { name: 'Decline', exact: true }).click()
  const declined = alice.locator('[data-kind=invitation_declined]')
  t.regex(await declined.innerText(), /declined your invitation.*@bob:cake\.test.*Not now/s)
  await declined.getByRole('button', { name: 'Close' }).click()
  // It goes with the answer to the poll that it ends, though the focus is in it; the next poll would last 30 seconds.
  await declined.waitFor({ state: 'detached', timeout: 25_000 })

  await chatWithBob()
  await bob.getByRole('button', { name: 'Accept' }).click()
  await bob.getByRole('heading', { name: 'alice' }).waitFor()
  await say(alice, 'Tea at five?')
  await message(bob, 'Tea at five?').waitFor()
  await say(bob, 'With scones')
  await message(alice, 'With scones').waitFor()

  await bob.getByRole('button', { name: 'Sign out' }).click()
  await alice.getByRole('button', { name: 'Ask to talk' }).click()
  await bob.getByLabel('User name').fill('bob')
  await bob.getByLabel('Password').fill(TEST_PASSWORD)
  await bob.getByRole('button', { name: 'Sign in' }).click()
  const request = bob.locator('[data-kind=conversation_requested]')
  await request.waitFor()
  await photograph(bob, 'asked-to-talk')
  await request.getByRole('button').first().click()
  await request.waitFor({ state: 'detached' })
  await message(bob, 'With scones').waitFor()

  await alice.getByRole('button', { name: 'Add somebody' }).click()
  await alice.getByLabel('User').fill('@carol:tea.test')
  await alice.getByRole('button', { name: 'Invite', exact: true }).click()
  await carol.getByRole('button', { name: 'Accept' }).click()
  await carol.locator('.history', { hasText: 'Tea at five?' }).waitFor()
  await say(carol, 'I bring jam')
  await message(alice, 'I bring jam').waitFor()
  await photograph(carol, 'three-of-them')
  t.is(await alice.locator('nav .rooms li').count(), 2, 'the chat of two is still there')
})
