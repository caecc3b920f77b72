/** Invitations on the page at `/`, in Chromium. */
import test from 'ava'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { startFederatedServers } from './federated-servers.ts'
import { signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

const HOUR = 3_600_000

const startPage = async (t: Parameters<typeof openPage>[0]) => {
  t.timeout(PATIENCE_MS)
  const [server] = await startFederatedServers(t, ['tea.test'])
  if (server === undefined) throw new Error('no server')
  const page = await openPage(t, await openBrowser(), server.url)
  const bob = await registerPerson(server, 'bob')
  await signUp(page, 'alice')
  return { page, bob }
}

const invite = (person: Person, room: string, userId: string, invitation: object) =>
  person.post(`/rooms/${encodeURIComponent(room)}/invite`, {
    user_id: userId,
    'chat.tessera.invitation': invitation,
  })

browserTest('an invitation says what may be sent, and how long it is open yet, until it is over', async t => {
  const { page, bob } = await startPage(t)
  await page.clock.install()
  await page.reload()
  const room = await bob.createRoom({ name: 'Tea room', 'chat.tessera.media': ['text', 'screenshare'] })
  const silent = await bob.createRoom({ name: 'Quiet room', 'chat.tessera.media': [] })
  await invite(bob, room, '@alice:tea.test', { ttl_ms: 3 * 24 * HOUR })
  await bob.invite(silent, '@alice:tea.test')
  const card = page.locator('.invitation', { hasText: 'Tea room' })
  await card.getByText('For text, screen sharing').waitFor()
  await page.getByText('Nothing may be sent here').waitFor()
  await card
    .getByRole('timer')
    .getByText(/Until .* · in 2 days/)
    .waitFor()
  await photograph(page, 'invitation-with-a-time')
  for (const [hours, shown] of [
    [25, 'in 46 hours'],
    [45, 'in 1 hour'],
  ] as const) {
    await page.clock.fastForward(hours * HOUR)
    await card.getByText(shown).waitFor()
  }
  await page.clock.fastForward(2 * HOUR)
  await card.getByText('This invitation is over').waitFor()
  t.is(await page.getByRole('timer').count(), 1, 'what has no end has none on the page')
})
