/** What is new in a room, on the page at `/`. */
import test from 'ava'
import { eventually } from '../src/test-kit/eventually.ts'
import { registerPerson } from '../src/test-kit/person.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { readUpTo } from '../web/read-up-to.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { message, say, signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

const ALICE = '@alice:tea.test'

test('how far somebody has read is what their newest receipt says, those of threads aside', t => {
  const receipts = (content: object) => ({ events: [{ type: 'm.receipt', content }] })
  const by = (userId: string, receipt: object, kind = 'm.read') => ({ [kind]: { [userId]: receipt } })
  t.is(readUpTo({}, ALICE), undefined)
  t.is(readUpTo(receipts({ $1: by('@bob:tea.test', { ts: 5 }) }), ALICE), undefined)
  const several = receipts({
    $1: by(ALICE, { ts: 1 }),
    $2: by(ALICE, { ts: 3, thread_id: 'main' }, 'm.read.private'),
    $3: by(ALICE, { ts: 2 }),
    $4: by(ALICE, { ts: 9, thread_id: '$root' }),
    $5: by(ALICE, { ts: 'late' }),
    $6: 'nonsense',
  })
  t.is(readUpTo(several, ALICE), '$2')
})

browserTest('what is new is marked, stays unread until it is seen, and is found again', async t => {
  t.timeout(PATIENCE_MS)
  const server = await startTestServer({ serverName: 'tea.test' })
  t.teardown(() => server.close())
  const page = await openPage(t, await openBrowser(), server.url)
  const read = new Set<string>()
  page.on('response', response => {
    const [, eventId] = /\/receipt\/m\.read\/([^/]+)$/.exec(response.url()) ?? []
    if (eventId !== undefined && response.ok()) read.add(decodeURIComponent(eventId))
  })
  const isRead = (eventId: string) => eventually('it is marked as read', () => read.has(eventId))
  await signUp(page, 'alice')
  const bob = await registerPerson(server, 'bob')
  const tea = await bob.createRoom({ name: 'Tea room', invite: [ALICE] })
  await page.getByRole('button', { name: 'Accept' }).click()
  await page.getByRole('heading', { name: 'Tea room' }).waitFor()
  await page.getByRole('button', { name: 'New room' }).click()
  await page.getByLabel('Name').fill('Elsewhere')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  const open = async (name: string): Promise<void> => {
    await page.locator('.rooms button', { hasText: name }).click()
    await page.getByRole('heading', { name }).waitFor()
  }
  const count = page.locator('.rooms li', { hasText: 'Tea room' }).locator('.count')
  await open('Tea room')
  await isRead(await bob.say(tea, 'Known to all'))

  await open('Elsewhere')
  let newest = ''
  for (let n = 1; n <= 26; n++) newest = await bob.say(tea, `News ${n}.\nwith\nmany\nlines`)
  await count.getByText('26', { exact: true }).waitFor()
  await open('Tea room')
  await page.getByRole('button', { name: 'To the newest message' }).waitFor()
  await photograph(page, 'news')
  const afterLine = page.locator('.news + .message')
  t.regex(await afterLine.innerText(), /bob.*News 1\./s, 'who said it is said again')
  t.true(
    await page.evaluate<boolean>(
      "Math.abs(document.querySelector('.news').getBoundingClientRect().top - document.querySelector('.timeline').getBoundingClientRect().top) < 30",
    ),
    'it begins with what is new',
  )
  t.false(read.has(newest))
  await page.getByRole('button', { name: 'To the newest message' }).click()
  await isRead(newest)
  await count.waitFor({ state: 'hidden' })

  const sayMany = async (what: string): Promise<void> => {
    await open('Elsewhere')
    for (let n = 1; n <= 60; n++) newest = await bob.say(tea, `${what} ${n}.`)
    await page.reload()
    await count.getByText('60', { exact: true }).waitFor()
  }
  await sayMany('More')
  await open('Tea room')
  await page.locator('.news').waitFor()
  t.regex(await afterLine.innerText(), /More 1\./, 'it begins there also where that has to be fetched first')
  t.false(read.has(newest))
  await say(page, 'That is a lot')
  await page.getByRole('button', { name: 'To the newest message' }).waitFor({ state: 'hidden' })
  await isRead(newest)
  await message(page, 'That is a lot').waitFor()

  await sayMany('Again')
  const messages = '**/messages?**'
  await page.route(messages, route => route.fulfill({ body: '{"chunk":[' }))
  await open('Tea room')
  await page.locator('.earlier').getByRole('alert').waitFor()
  t.false(read.has(newest), 'nor is it read where that cannot be fetched, or comes in part')
  await page.unroute(messages)
  await page.getByRole('button', { name: 'To the first unread message' }).click()
  await page.locator('.news').waitFor()
  t.regex(await afterLine.innerText(), /Again 1\./)
  await page.getByRole('button', { name: 'To the newest message' }).click()
  await isRead(newest)
})
