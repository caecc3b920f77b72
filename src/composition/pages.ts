import type { Config } from '../config/schema/index.ts'
import { hasSignInPages } from '../config/sign-in-pages.ts'
import type { Clock } from '../core/clock.ts'
import { addAuthFallback } from '../http/pages/auth-fallback.ts'
import { addConfirmEmailPage } from '../http/pages/confirm-email.ts'
import { addLandingPage } from '../http/pages/landing.ts'
import { addLimitsPage } from '../http/pages/limits.ts'
import { addLoginFallback } from '../http/pages/login-fallback.ts'
import { addOperationsPages } from '../http/pages/operations.ts'
import { addSetupPage } from '../http/pages/setup.ts'
import { addUnsubscribePage, type UnsubscribeService } from '../http/pages/unsubscribe.ts'
import { addWebPage } from '../http/pages/web.ts'
import { createPages, type Pages } from '../http/pages.ts'
import { CONFIRM_PATH } from '../services/accounts/email-validation.ts'
import type { Accounts } from '../services/accounts/index.ts'
import type { Metrics } from '../services/metrics/index.ts'
import { baseUrlOf, UNSUBSCRIBE_PATH } from './options.ts'
import { addSignInPages } from './sign-in-pages.ts'

/** Everything that answers HTTP and is no operation of an API. */
export const serverPages = (parts: {
  config: Config
  accounts: Accounts
  /** Where there is a mail server. */
  mailPushers: UnsubscribeService | undefined
  clock: Clock
  metrics: Metrics
  check: () => Promise<void>
}): Pages => {
  const { config, accounts, clock, metrics } = parts
  const { serverName } = config
  const baseUrl = baseUrlOf(config)
  const pages = createPages()
  if (config.webPage.enabled) addWebPage(pages)
  else addLandingPage(pages, { serverName, baseUrl })
  const minimumPasswordLength = config.passwords.minLength
  const { language } = config.email
  const { setup } = accounts
  const hasChat = config.webPage.enabled
  addSetupPage(pages, { setup, clock, serverName, baseUrl, hasChat, minimumPasswordLength, language })
  addConfirmEmailPage(pages, { emails: accounts.emails, clock, serverName, path: CONFIRM_PATH, language })
  const passwords = config.passwords.enabled
  const hasSso = hasSignInPages(config) && config.sessions.loginTokens
  addLoginFallback(pages, { serverName, passwords, hasSso, language })
  addLimitsPage(pages, { serverName, supportPage: config.support.page, language })
  if (hasSignInPages(config)) {
    addSignInPages(pages, { accounts, clock, serverName, baseUrl, language, passwords })
  }
  // After what has a page of its own for a stage.
  addAuthFallback(pages, { fallback: accounts.browserStages, clock, language })
  const { mailPushers: service } = parts
  if (service !== undefined) addUnsubscribePage(pages, { service, clock, path: UNSUBSCRIBE_PATH })
  addOperationsPages(pages, {
    check: parts.check,
    metrics: config.metrics.enabled ? metrics : undefined,
    metricsFor: config.metrics.allowAddresses,
    trustedProxies: config.listeners.flatMap(listener => listener.trustedProxies),
  })
  return pages
}
