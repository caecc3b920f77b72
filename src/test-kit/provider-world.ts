import type { ExecutionContext } from 'ava'
import type { ProviderOptions } from '../services/accounts/providers/options.ts'
import type { Database } from '../storage/database.ts'
import type { TestAccountsOptions } from './accounts.ts'
import { testDatabase } from './database.ts'
import { openOAuth, type TestBrowser } from './oauth.ts'
import { ScriptedProvider } from './openid-provider.ts'

interface Options extends TestAccountsOptions {
  readonly database?: Database
  /** Of the provider. */
  readonly settings?: Partial<ProviderOptions>
  /** Further ones, which are the same to whoever goes there. */
  readonly others?: readonly Partial<ProviderOptions>[]
}

/** The path with its query, as a browser asks for it. */
export const pathOf = (url: URL | string | undefined | null): string => {
  const { pathname, search } = new URL(url ?? 'about:blank')
  return `${pathname}${search}`
}

/** A server with a provider, and the steps of somebody who signs in with it. */
export const openWithProvider = async (
  t: ExecutionContext,
  { database, settings, others = [], ...more }: Options,
) => {
  const provider = await ScriptedProvider.open(t)
  const failures: string[] = []
  const parts = await openOAuth(t, database ?? (await testDatabase(t)), {
    ...more,
    providers: clock => [settings, ...others].map(one => provider.at(t, clock, one)),
    onProviderFailure: (_id, reason) => failures.push(reason.message),
  })
  /** The way from a link of ours to the provider, and back to us. */
  const follow = async (browser: TestBrowser, link: string, meanwhile?: () => Promise<void>) => {
    const sent = await browser.get(link)
    const answer = await fetch(sent.location ?? '', { redirect: 'manual' })
    const back = pathOf(answer.headers.get('location'))
    await meanwhile?.()
    return { sent, back, came: await browser.get(back) }
  }
  /** Where the first link of a page leads that fits. */
  const linkOn = async (browser: TestBrowser, path: string, pattern = /class="button" href="([^"]+)"/) =>
    pattern.exec((await browser.get(path)).text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  /** Follows the button on a page, signs in at the provider, and comes back. */
  const signIn = async (browser: TestBrowser, path: string) => follow(browser, await linkOn(browser, path))
  /** Confirms with a password, if with one, that an account elsewhere is to be connected. @returns the link that leads there, if any */
  const linkToConnect = async (browser: TestBrowser, password?: string, provider = 'company') => {
    const path = '/account?action=chat.tessera.providers'
    await browser.get(path)
    const fields = { provider, ...(password === undefined ? {} : { password }) }
    const { text } = await browser.post(path, fields)
    return /class="button" href="([^"]+connects=[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  }
  const whoIs = async (browser: TestBrowser) =>
    /You are signed in as (@[^<]+)\.</.exec((await browser.get('/account')).text)?.[1]
  return { ...parts, provider, failures, follow, linkOn, linkToConnect, signIn, whoIs }
}
