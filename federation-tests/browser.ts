/** Chromium, for tests that look at pages as people do. With `TESSERA_PICTURES` set, screenshots go to `artifacts/`. */
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const EXECUTABLE = process.env['TESSERA_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
const ARTIFACTS = fileURLToPath(new URL('../artifacts/', import.meta.url))
/** Only ends what hangs: on a busy machine a whole scenario in a browser takes more than a minute. */
export const PATIENCE_MS = 300_000
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
export const browserTest = hasChromium || process.env['CI'] !== undefined ? test : test.skip

/** Takes a picture, where people want to look at them. Where Chromium cannot, as with a page behind another, that says nothing about the page. */
export const photograph = async (page: Page, name: string): Promise<void> => {
  if (process.env['TESSERA_PICTURES'] === undefined) return
  mkdirSync(ARTIFACTS, { recursive: true })
  await page.bringToFront()
  await page
    .screenshot({ path: `${ARTIFACTS}${name}.png` })
    .catch(error => console.error(`no picture of ${name}: ${error.message}`))
}

/** One for all tests of a file, whose pages live in contexts of their own: to start it takes longer than many a test. */
let launched: Promise<Browser> | undefined
export const openBrowser = (): Promise<Browser> => {
  launched ??= chromium.launch({ executablePath: EXECUTABLE, args: ALONE })
  return launched
}

/** Ends it, if it was started. */
export const closeBrowser = async (): Promise<void> => (await launched)?.close()

/** A page on which nothing may go wrong that the test does not cause. */
export const openPage = async (
  t: ExecutionContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, ...options })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS / 3)
  page.on('pageerror', error => {
    // Where the test is over already, all that is told of its failure is that it has failed.
    console.error(`the page failed: ${error.stack}`)
    t.fail(`the page failed: ${error.message}`)
  })
  await page.goto(url)
  return page
}
