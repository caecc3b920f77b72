/** Invitations on the page at `/`, in Chromium. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Page } from 'playwright-core'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { startFederatedServers } from './federated-servers.ts'
import { signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mP8z8BQz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)
const HOUR = 3_600_000

/** As a field for a time has it. */
const inTwoDays = (): string => new Date(Date.now() + 48 * HOUR).toISOString().slice(0, 16)

/** What is kept of a file that the page saves. */
const saved = async (page: Page, act: () => Promise<unknown>): Promise<string> => {
  const [download] = await Promise.all([page.waitForEvent('download'), act()])
  return readFileSync(await download.path(), 'utf8')
}

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
  const start = Date.now() + 24 * HOUR
  await invite(bob, room, '@alice:tea.test', {
    ttl_ms: 3 * 24 * HOUR,
    event: { start, summary: 'Tea party' },
  })
  await bob.invite(silent, '@alice:tea.test')
  const card = page.locator('.invitation', { hasText: 'Tea room' })
  await card.getByText('For text, screen sharing').waitFor()
  await page.getByText('Nothing may be sent here').waitFor()
  await card
    .getByRole('timer')
    .getByText(/Until .* · in 2 days/)
    .waitFor()
  await photograph(page, 'invitation-with-a-time')
  await card.getByText('Tea party').waitFor()
  const calendar = await saved(page, () => card.getByRole('button', { name: 'For a calendar' }).click())
  t.regex(calendar, /METHOD:REQUEST[\s\S]*SUMMARY:Tea party/)
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

browserTest('who invites sees who is not there yet, sets a time and an end, and takes it back', async t => {
  const { page, bob } = await startPage(t)
  await page.getByRole('button', { name: 'New room' }).click()
  await page.getByLabel('Name').fill('Tea room')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('heading', { name: 'Tea room' }).waitFor()
  const inviteBob = async (fill: () => Promise<unknown>): Promise<void> => {
    await page.getByRole('button', { name: 'Invite …' }).click()
    await page.getByLabel('User').fill('bob')
    await page.getByLabel('A comment').fill('Bring cake')
    await fill()
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  const received = async () => {
    const { invitations } = await bob.get('/_matrix/client/v1/chat.tessera/invitations?status=invited')
    return invitations as { reason: string; expires_ts?: number }[]
  }
  const invited = page.locator('.invited')

  await inviteBob(() => page.getByLabel('Send it later').fill(inTwoDays()))
  await invited.getByText('1 invited, not here yet').click()
  await invited.getByText('Goes out').waitFor()
  t.deepEqual(await received(), [], 'it is for later')
  await photograph(page, 'scheduled')
  await invited.getByRole('button', { name: 'Withdraw the invitation of bob' }).click()
  await invited.waitFor({ state: 'hidden' })
  await page.waitForFunction("document.activeElement?.tagName === 'H1'")

  await inviteBob(() => page.getByLabel('Open for').selectOption('1 day'))
  await invited.getByText('Until').waitFor()
  const [invitation] = await received()
  t.is(invitation?.reason, 'Bring cake')
  t.true((invitation?.expires_ts ?? 0) > Date.now(), 'it has an end')
  await invited.getByRole('button', { name: 'Withdraw the invitation of bob' }).click()
  await invited.waitFor({ state: 'hidden' })
  t.deepEqual(await received(), [])
  await inviteBob(async () => {
    await page.getByText('An occasion').click()
    await page.getByLabel('What').fill('Tea party')
    await page.getByText('An occasion').click()
    await page.getByLabel('From').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    // What is missing is shown, though it was folded away.
    await page.getByLabel('From').waitFor()
    await page.getByLabel('From').fill(inTwoDays())
    await photograph(page, 'inviting-to-an-occasion')
  })
  await invited.waitFor()
  await page.getByText(/alice invited bob: Bring cake · Tea party · /).waitFor()
  const { rooms } = (await bob.get('/sync')) as { rooms: { invite: object } }
  await bob.join(Object.keys(rooms.invite)[0] ?? '')
  await invited.waitFor({ state: 'hidden' })
})

browserTest('a room is made with an address, a picture and what may be sent in it', async t => {
  const { page, bob } = await startPage(t)
  const taken = await bob.createRoom({ room_alias_name: 'tea' })
  await page.getByRole('button', { name: 'New room' }).click()
  await page.getByLabel('Name').fill('Tea room')
  await page.getByLabel('Address').fill('#tea')
  await page.getByLabel('Picture').setInputFiles({ name: 'leaf.png', mimeType: 'image/png', buffer: PICTURE })
  const media = page.getByRole('group', { name: 'What may be sent' })
  await media.getByLabel('audio').uncheck()
  await media.getByLabel('video').uncheck()
  await page.getByLabel('Invite (user IDs').fill('bob')
  const create = page.getByRole('button', { name: 'Create', exact: true })
  await create.click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Address').fill('#green-tea:tea.test')
  await photograph(page, 'new-room')
  await create.click()
  await page.getByRole('heading', { name: 'Tea room' }).waitFor()
  const { room_id: room } = await bob.get(`/directory/room/${encodeURIComponent('#green-tea:tea.test')}`)
  t.not(room, taken)
  const record = await bob.get(
    `/_matrix/client/v1/chat.tessera/rooms/${encodeURIComponent(String(room))}/record`,
  )
  t.like(record, { alias: '#green-tea:tea.test', media: ['text', 'screenshare'], encryption: 'cleartext' })
  t.regex(String(record['avatar_url']), /^mxc:\/\/tea\.test\//)
})
