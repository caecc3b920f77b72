/** The page at `/` as people meet it: in Chromium, two people on two federated servers. Screenshots go to `artifacts/`. */
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { type Browser, type BrowserContextOptions, chromium, type Page, type Response } from 'playwright-core'
import { TEST_PASSWORD } from '../src/test-kit/server.ts'
import { startFederatedServers } from './federated-servers.ts'

const EXECUTABLE = process.env['TESSERA_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
const ARTIFACTS = fileURLToPath(new URL('../artifacts/', import.meta.url))
/** Without them Chromium asks its maker's servers for this and that. */
const ALONE = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-component-update',
].concat(['--disable-background-networking', '--disable-sync'])

const hasChromium = existsSync(EXECUTABLE)
if (!hasChromium && process.env['CI'] === undefined)
  console.error('Chromium is not installed: its tests are skipped')
const browserTest = hasChromium || process.env['CI'] !== undefined ? test : test.skip

const photograph = async (page: Page, name: string): Promise<void> => {
  mkdirSync(ARTIFACTS, { recursive: true })
  await page.screenshot({ path: `${ARTIFACTS}${name}.png` })
}

const openBrowser = async (t: ExecutionContext): Promise<Browser> => {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ALONE })
  t.teardown(() => browser.close())
  return browser
}

/** A page on which nothing may go wrong that the test does not cause. */
const openPage = async (
  t: ExecutionContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  page.on('pageerror', error => t.fail(`the page failed: ${error.message}`))
  await page.goto(url)
  return page
}

const signUp = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(TEST_PASSWORD)
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
}

const say = async (page: Page, text: string): Promise<void> => {
  const line = page.getByRole('textbox', { name: 'Message' })
  await line.fill(text)
  await line.press('Enter')
}

const message = (page: Page, text: string) => page.locator('.message', { hasText: text })

browserTest('two people on two servers: invitation, comment, conversation', async t => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('no servers')
  const browser = await openBrowser(t)
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
  await alice.getByLabel('A comment').fill('Kettle is on <b>now</b>')
  await photograph(alice, 'inviting')
  await alice.getByRole('button', { name: 'Invite', exact: true }).click()

  const invitation = bob.locator('.invitation')
  await invitation.waitFor()
  const shown = await invitation.innerText()
  for (const part of ['Tea room', 'Leaves, water, time', 'alice invites you', 'Kettle is on <b>now</b>'])
    t.true(shown.includes(part), part)
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
  await alice.getByRole('button', { name: 'Tea room' }).click()
  await message(alice, 'Sugar?').waitFor()
})

browserTest('the page is small, kept to itself, and works by keyboard', async t => {
  const [server] = await startFederatedServers(t, ['tea.test'])
  if (server === undefined) throw new Error('no server')
  const browser = await openBrowser(t)
  const page = await openPage(t, browser, 'about:blank')
  const sizes: Promise<number>[] = []
  const weigh = (response: Response): void => {
    if (new URL(response.url()).pathname.startsWith('/_matrix')) return
    sizes.push(response.body().then(({ length }) => length))
  }
  page.on('response', weigh)
  await page.goto(server.url, { waitUntil: 'networkidle' })
  page.off('response', weigh)
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  t.true(bytes > 0 && bytes <= 100_000, `${bytes} bytes`)
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
