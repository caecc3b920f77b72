/** What people do on the page at `/`. */
import type { Locator, Page } from 'playwright-core'
import { TEST_PASSWORD } from '../src/test-kit/server.ts'

/** Makes an account, and waits for the list of rooms. */
export const signUp = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(TEST_PASSWORD)
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
}

/** Sends a message to the room that is shown. */
export const say = async (page: Page, text: string): Promise<void> => {
  const line = page.getByRole('textbox', { name: 'Message' })
  await line.fill(text)
  await line.press('Enter')
}

/** The line of a conversation that has this text in it. */
export const message = (page: Page, text: string): Locator => page.locator('.message', { hasText: text })
