/** What the page at `/` keeps safe for people, and what it shows of what others send. */
import test from 'ava'
import type { Page } from 'playwright-core'
import { freePort } from '../bench/free-port.ts'
import { startAdministered } from '../src/test-kit/administrator.ts'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { type RunningTestServer, TEST_PASSWORD } from '../src/test-kit/server.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { startFederatedServers } from './federated-servers.ts'
import { message, say } from './page-deeds.ts'

test.after.always(closeBrowser)

const SERVER_REQUESTS = '**/_matrix/**'

const signIn = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(TEST_PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
}

const openRoom = async (page: Page, name: string): Promise<void> => {
  await page.locator('nav').getByRole('button', { name }).click()
  await page.getByRole('heading', { name, exact: true }).waitFor()
}

const line = (page: Page) => page.getByRole('textbox', { name: 'Message' })

/** Alice and Bob in rooms of his, and a page on which she is signed in. */
const startConversation = async (
  t: Parameters<typeof openPage>[0],
  names: readonly string[],
): Promise<{ server: RunningTestServer; page: Page; bob: Person; rooms: string[] }> => {
  t.timeout(PATIENCE_MS)
  const [server] = await startFederatedServers(t, ['tea.test'])
  if (server === undefined) throw new Error('no server')
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  const rooms: string[] = []
  for (const name of names) {
    const room = await bob.createOpenRoom({ name })
    await alice.join(room)
    rooms.push(room)
  }
  const page = await openPage(t, await openBrowser(), server.url)
  await signIn(page, 'alice')
  return { server, page, bob, rooms }
}

browserTest(
  'what somebody writes is not lost: not by a look elsewhere, a server that is away, a reload',
  async t => {
    const { server, page, bob, rooms } = await startConversation(t, ['Tea room', 'Cake room'])
    await openRoom(page, 'Cake room')
    await line(page).fill('Half a thou')
    await openRoom(page, 'Tea room')
    t.is(await line(page).inputValue(), '', 'it is not said in another room')

    await page.route(SERVER_REQUESTS, route => route.abort())
    await say(page, 'One')
    await say(page, 'Two')
    await page.locator('.unsent li', { hasText: 'Two' }).waitFor()
    await photograph(page, 'unsent')
    await page.reload()
    await page.getByText('The server cannot be reached').waitFor()
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.evaluate("dispatchEvent(new Event('online'))")
    await openRoom(page, 'Tea room')
    await message(page, 'Two').waitFor()
    await page.locator('.unsent li').first().waitFor({ state: 'detached' })
    const said = await bob.get(`/rooms/${encodeURIComponent(rooms[0] ?? '')}/messages?dir=b&limit=20`)
    const bodies = (said['chunk'] as { content: { body?: string } }[]).map(({ content }) => content.body)
    t.deepEqual(
      bodies.filter(body => body !== undefined),
      ['Two', 'One'],
    )
    await openRoom(page, 'Cake room')
    t.is(await line(page).inputValue(), 'Half a thou')

    const other = await page.context().newPage()
    await other.goto(server.url)
    await other.getByRole('heading', { name: 'Rooms' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await Promise.all([page, other].map(each => each.getByLabel('User name').waitFor()))
    await signIn(other, 'bob')
    await page.getByText('@bob:tea.test').waitFor()
    await openRoom(page, 'Cake room')
    t.is(await line(page).inputValue(), '', 'nobody sees the draft of somebody else')
  },
)

browserTest('who is signed out by the server leaves nothing of what they wrote behind', async t => {
  const { page } = await startConversation(t, ['Tea room'])
  await openRoom(page, 'Tea room')
  await page.route('**/send/**', route => route.abort())
  await say(page, 'Between us')
  await page.locator('.unsent li', { hasText: 'Between us' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('What waits for the server is lost').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.route('**/send/**', route =>
    route.fulfill({ status: 401, json: { errcode: 'M_UNKNOWN_TOKEN', error: 'Signed out elsewhere' } }),
  )
  await page.getByLabel('User name').waitFor()
  t.is(await page.evaluate('sessionStorage.length'), 0)
})

browserTest('who has a registration token makes an account by it, and comes back to the page', async t => {
  t.timeout(PATIENCE_MS)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { server, ask } = await startAdministered({
    settings: {
      registration: { mode: 'token', shared_secret: 'shared' },
      listeners: [{ port, host: '127.0.0.1' }],
      public_base_url: url,
    },
  })
  t.teardown(server.close)
  const made = await ask('POST', '/v1/registration_tokens/new', { token: 'kettle' })
  t.like(made, { token: 'kettle' })
  const page = await openPage(t, await openBrowser(), url)
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('User name').fill('carol')
  await page.getByLabel('Password', { exact: true }).fill(TEST_PASSWORD)
  await page.getByLabel('The password again').fill(TEST_PASSWORD)
  await page.getByLabel('Registration token').fill('kettle')
  await page.getByRole('button', { name: 'Create the account' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
  await page.getByText('@carol:localhost').waitFor()
})

browserTest(
  'who does not see the page hears that it is loading, and what comes while it is open',
  async t => {
    const { page, bob } = await startConversation(t, ['Tea room'])
    let letGo: () => void = () => undefined
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    await page.route('**/sync?*', async route => {
      await held
      await route.continue()
    })
    await page.reload()
    await page.getByRole('status').getByText('Loading').waitFor()
    letGo()
    await openRoom(page, 'Tea room')
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.getByText('Loading').waitFor({ state: 'hidden' })
    const room = await bob.createRoom({ name: 'Jam room' })
    await bob.invite(room, '@alice:tea.test')
    await page.getByRole('status').getByText('bob invites you: Jam room').waitFor()
    t.is(await page.locator('.invitation').count(), 1)
  },
)

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mP8z8BQz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)

browserTest('pictures, files, answers and reactions are shown, and who is put out is told so', async t => {
  const { server, page, bob, rooms } = await startConversation(t, ['Tea room'])
  const [room = ''] = rooms
  const uploaded = await fetch(`${server.url}/_matrix/media/v3/upload?filename=leaf.png`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bob.accessToken}`, 'content-type': 'image/png' },
    body: PICTURE,
  })
  const { content_uri: url } = (await uploaded.json()) as { content_uri: string }
  await openRoom(page, 'Tea room')
  const asked = await bob.say(room, 'Which leaf?')
  await bob.send(room, 'm.room.message', { msgtype: 'm.image', body: 'leaf.png', url })
  await bob.send(room, 'm.room.message', {
    msgtype: 'm.file',
    body: 'This one',
    filename: 'leaves.html',
    url,
  })
  await bob.say(room, '> <@bob:tea.test> Which leaf?\n\nThe green one', {
    'm.relates_to': { 'm.in_reply_to': { event_id: asked } },
  })
  await bob.send(room, 'm.reaction', {
    'm.relates_to': { rel_type: 'm.annotation', event_id: asked, key: '🍃' },
  })
  await message(page, 'Which leaf?').locator('.reactions', { hasText: '🍃 1' }).waitFor()
  const reply = message(page, 'The green one')
  t.regex(await reply.innerText(), /Answers bob: Which leaf\?\s+The green one$/)
  const picture = page.getByRole('img', { name: 'leaf.png' })
  await picture.waitFor()
  await page.waitForFunction("document.querySelector('.attachment img').naturalWidth > 0")
  const file = message(page, 'This one')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    file.getByRole('button', { name: 'Save leaves.html' }).click(),
  ])
  t.is(download.suggestedFilename(), 'leaves.html')
  await photograph(page, 'attachments')

  await bob.post(`/rooms/${encodeURIComponent(room)}/kick`, {
    user_id: '@alice:tea.test',
    reason: 'No leaves',
  })
  await page.getByRole('status').getByText('bob has put you out of “Tea room”: No leaves').waitFor()
})

browserTest('a long conversation is read back to its beginning, and stays where the reader is', async t => {
  const { page, bob, rooms } = await startConversation(t, ['Tea room'])
  const [room = ''] = rooms
  for (let index = 0; index < 120; index++) await bob.say(room, `Cup ${index}.`)
  await page.reload()
  await openRoom(page, 'Tea room')
  await message(page, 'Cup 119.').waitFor()
  t.is(await message(page, 'Cup 60.').count(), 0)
  const scrollTo = (place: string) =>
    page.evaluate(`{
      const timeline = document.querySelector('.timeline')
      timeline.scrollTop = ${place}
    }`)
  for (const cup of ['Cup 60.', 'Cup 10.']) {
    await scrollTo('0')
    await message(page, cup).waitFor()
  }
  await page.getByText('bob made this room').waitFor()
  await scrollTo('timeline.scrollHeight / 2')
  const cup = message(page, 'Cup 60.')
  const before = await cup.boundingBox()
  await bob.say(room, 'One more')
  await message(page, 'One more').waitFor()
  t.true(
    Math.abs(((await cup.boundingBox())?.y ?? 0) - (before?.y ?? NaN)) < 1,
    'what is read stays in its place',
  )
  const shown = await page.locator('.message .body').allInnerTexts()
  t.deepEqual(shown, [...Array.from({ length: 120 }, (_, index) => `Cup ${index}.`), 'One more'])

  await scrollTo('timeline.scrollHeight')
  await say(page, 'And mine')
  await message(page, 'And mine').waitFor()
  await page.waitForFunction(`(() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.timeline')
    return scrollHeight - scrollTop - clientHeight < 2
  })()`)
})
