/** The page at `/` as people meet it, in Chromium: what it bears, and for whom it works. */
import test from 'ava'
import type { Response } from 'playwright-core'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { TEST_PASSWORD } from '../src/test-kit/server.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { startFederatedServers } from './federated-servers.ts'
import { message, signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

browserTest('what other people and servers send forges nothing, and stops nothing', async t => {
  t.timeout(PATIENCE_MS)
  const [server] = await startFederatedServers(t, ['tea.test'])
  if (server === undefined) throw new Error('no server')
  const browser = await openBrowser()
  const page = await openPage(t, browser, server.url)
  await signUp(page, 'alice')
  const bob = await registerPerson(server, 'bob')
  const mallory = await registerPerson(server, 'mallory')
  const room = await bob.createOpenRoom({ name: 'Tea room', invite: ['@alice:tea.test'] })
  await mallory.join(room)
  await page.getByRole('button', { name: 'Accept' }).click()
  await page.getByRole('heading', { name: 'Tea room' }).waitFor()

  const edit = (person: Person, eventId: string, body: string) =>
    person.say(room, `* ${body}`, {
      'm.new_content': { msgtype: 'm.text', body },
      'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
    })
  const said = await bob.say(room, 'Tea at four')
  await message(page, 'Tea at four').waitFor()
  await edit(bob, said, 'Tea at five')
  await message(page, 'Tea at five').waitFor()
  await edit(bob, said, 'Tea at six')
  await message(page, 'Tea at six').waitFor()
  await edit(mallory, said, 'No tea for alice')
  await bob.say(room, '* nothing', { 'm.relates_to': { rel_type: 'm.replace', event_id: said } })
  await mallory.say(room, 'Ha!')
  await message(page, 'Ha!').waitFor()
  t.deepEqual(await page.locator('.message .body').allInnerTexts(), ['Tea at six (edited)', 'Ha!'])

  // A server may give any number as the time of its events.
  await page.route('**/sync?*', async route => {
    const response = await route.fetch()
    const body = (await response.text()).replaceAll(
      /"origin_server_ts":\d+/g,
      `"origin_server_ts":${2 ** 53 - 1}`,
    )
    await route.fulfill({ response, body })
  })
  for (const body of ['From the far future', 'And back']) {
    await mallory.say(room, body)
    await message(page, body).waitFor()
  }
  await page.unrouteAll({ behavior: 'ignoreErrors' })

  const { replacement_room: successor } = await bob.post(`/rooms/${encodeURIComponent(room)}/upgrade`, {
    new_version: '11',
  })
  await page.getByRole('button', { name: 'Go on in the new room' }).click()
  await bob.say(String(successor), 'Here we are')
  await message(page, 'Here we are').waitFor()
  t.is(await page.locator('nav .rooms li').count(), 1, 'the old room is no longer listed')
})

browserTest('the page is small, kept to itself, and works by keyboard', async t => {
  t.timeout(PATIENCE_MS)
  const [server] = await startFederatedServers(t, ['tea.test'])
  if (server === undefined) throw new Error('no server')
  const browser = await openBrowser()
  const page = await openPage(t, browser, 'about:blank')
  const sizes: Promise<number>[] = []
  const weigh = (response: Response): void => {
    if (new URL(response.url()).pathname.startsWith('/_matrix')) return
    sizes.push(
      response
        .request()
        .sizes()
        .then(({ responseBodySize }) => responseBodySize),
    )
  }
  page.on('response', weigh)
  await page.goto(server.url, { waitUntil: 'networkidle' })
  page.off('response', weigh)
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  t.true(bytes > 0 && bytes <= 50_000, `${bytes} bytes`)
  const policy = (await page.request.get(server.url)).headers()['content-security-policy'] ?? ''
  t.regex(policy, /default-src 'none'.*script-src 'self'/)
  t.notRegex(policy, /unsafe/)

  await page.keyboard.press('Tab')
  await page.keyboard.type('carol')
  await page.keyboard.press('Tab')
  await page.keyboard.type('wrong password')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  await signUp(page, 'carol')
  const focused = () => page.evaluate<string | undefined>('document.activeElement?.textContent')
  while (!(await focused())?.startsWith('New room')) await page.keyboard.press('Tab')
  // The room is there by the poll before its making is answered, and the dialog is still open: then the focus is not lost.
  await page.route('**/createRoom', async route => {
    const response = await route.fetch()
    await page.locator('nav .rooms li').waitFor()
    await route.fulfill({ response })
  })
  await page.keyboard.press('Enter')
  await page.keyboard.type('Quiet room')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Quiet room' }).waitFor()
  await page.keyboard.type('Only keys')
  await page.keyboard.press('Enter')
  await message(page, 'Only keys').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('User name').waitFor()
  t.is(await page.evaluate('localStorage.length'), 0)
})

browserTest(
  'the page speaks its reader’s language, lets in who knocks, and asks before it leaves',
  async t => {
    t.timeout(PATIENCE_MS)
    const [server] = await startFederatedServers(t, ['tea.test'])
    if (server === undefined) throw new Error('no server')
    const alice = await registerPerson(server, 'alice')
    const bob = await registerPerson(server, 'bob')
    const room = String(
      (await alice.post('/createRoom', { name: 'Teestube', room_version: '12' }))['room_id'],
    )
    const joinRules = `/rooms/${encodeURIComponent(room)}/state/m.room.join_rules`
    await alice.put(joinRules, { join_rule: 'knock' })
    const page = await openPage(t, await openBrowser(), server.url, {
      locale: 'de-AT',
      viewport: { width: 360, height: 640 },
    })
    await page.getByLabel('Benutzername').fill('alice')
    await page.getByLabel('Passwort').fill('ganz falsch')
    await page.getByRole('button', { name: 'Anmelden' }).click()
    await page.getByText('Benutzername oder Passwort stimmt nicht.').waitFor()
    t.is(await page.evaluate('document.documentElement.lang'), 'de')
    await page.getByLabel('Passwort').fill(TEST_PASSWORD)
    await page.getByRole('button', { name: 'Anmelden' }).click()
    await page.getByRole('heading', { name: 'Räume' }).waitFor()
    await bob.post(`/knock/${encodeURIComponent(room)}`, { reason: 'Darf ich?' })
    const knock = page.locator('[data-kind=knock]')
    await knock.getByText('bob bittet um Einlass').waitFor()
    await photograph(page, 'knocking')
    await knock.getByRole('button', { name: 'Hereinlassen' }).click()
    await knock.waitFor({ state: 'detached' })
    await bob.join(room)
    // Not in the notification that bob has come, which may be there by then.
    await page.locator('nav').getByRole('button', { name: 'Teestube' }).click()
    await page.getByText('bob ist da').waitFor()
    await page.getByRole('button', { name: 'Verlassen' }).click()
    await page.getByText('Den Raum verlassen?').waitFor()
    await page.getByRole('button', { name: 'Abbrechen' }).click()
    await page.getByRole('heading', { name: 'Teestube' }).waitFor()
    await page.getByRole('button', { name: 'Verlassen' }).click()
    await page.getByRole('button', { name: 'Verlassen', exact: true }).click()
    await page.locator('nav .rooms li').waitFor({ state: 'detached' })
  },
)
