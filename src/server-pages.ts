import type { Config } from './config/schema/index.ts'
import type { Clock } from './core/clock.ts'
import { addSetupPage } from './http/pages/setup.ts'
import { createPages, type Pages } from './http/pages.ts'
import type { Accounts } from './services/accounts/index.ts'

/** Where clients reach this server. */
export const baseUrlOf = (config: Config): string => {
  const [listener] = config.listeners
  const scheme = listener?.tls === undefined ? 'http' : 'https'
  return (
    config.publicBaseUrl ??
    `${scheme}://${config.serverName === 'localhost' ? 'localhost' : listener?.host}:${listener?.port}`
  )
}

/** Everything that answers HTTP and is no operation of an API. */
export const serverPages = (parts: { config: Config; accounts: Accounts; clock: Clock }): Pages => {
  const { config, accounts, clock } = parts
  const pages = createPages()
  addSetupPage(pages, {
    setup: accounts.setup,
    clock,
    serverName: config.serverName,
    baseUrl: baseUrlOf(config),
    minimumPasswordLength: config.passwords.minLength,
  })
  pages.get('/health', context => {
    context.body = { status: 'ok' }
  })
  return pages
}
