import type { Clock } from '../core/clock.ts'
import type { MailLanguage } from '../core/mail-words/index.ts'
import { addBackChannelLogout } from '../http/oauth/back-channel-logout.ts'
import { addOAuthEndpoints } from '../http/oauth/endpoints.ts'
import { addAccountPage } from '../http/pages/account/index.ts'
import { addAuthorizePage } from '../http/pages/authorize.ts'
import { addLinkPage } from '../http/pages/link.ts'
import { addProviderPages } from '../http/pages/providers.ts'
import { addRecoverPage } from '../http/pages/recover.ts'
import { addSsoPage } from '../http/pages/sso.ts'
import { addSsoStagePage, SSO_STAGE_PATHS } from '../http/pages/sso-stage.ts'
import type { Pages } from '../http/pages.ts'
import type { Accounts } from '../services/accounts/index.ts'
import { SSO_TOKEN_MS } from '../services/accounts/login-flows.ts'
import { OAUTH_PATHS, providerPath } from '../services/accounts/oauth/metadata.ts'

/** What signing in by the OAuth 2.0 API takes: the endpoints that clients call, and the pages that people see. */
export const addSignInPages = (
  pages: Pages,
  parts: {
    accounts: Accounts
    clock: Clock
    serverName: string
    baseUrl: string
    language: MailLanguage
    /** Whether people can sign in with a password. */
    passwords: boolean
  },
): void => {
  const { accounts, clock } = parts
  const { oauth, browsers, browserRegistration: registration, providers } = accounts
  const { authorize, link, sso, account, recover } = OAUTH_PATHS
  const recovery = { isOffered: accounts.browserRecovery.isOffered, path: recover }
  const common = { ...parts, oauth, browsers, registration, providers, providerPath, recovery }
  addOAuthEndpoints(pages, { oauth, clock, paths: OAUTH_PATHS })
  const hasDevice = (userId: string, deviceId: string) => accounts.hasDevice(userId, deviceId)
  addAuthorizePage(pages, { ...common, path: OAUTH_PATHS.authorize, hasDevice })
  addLinkPage(pages, { ...common, path: OAUTH_PATHS.link, devices: oauth.devices, hasDevice })
  const returnPaths = [authorize, link, sso, account]
  if (providers.offered.length > 0) {
    addProviderPages(pages, {
      ...{ ...common, service: providers, paths: OAUTH_PATHS },
      returnPaths: [...returnPaths, ...SSO_STAGE_PATHS],
    })
    addBackChannelLogout(pages, {
      path: OAUTH_PATHS.backChannelLogout,
      clock,
      end: (providerId, logoutToken) => providers.signOuts.end(providerId, logoutToken),
    })
    addSsoStagePage(pages, { ...common, stage: session => providers.linked.forStage(session) })
  }
  if (recovery.isOffered) {
    const { minimumPasswordLength } = registration
    const service = accounts.browserRecovery
    const to = { path: recover, home: account, returnPaths }
    addRecoverPage(pages, { ...common, ...to, service, minimumPasswordLength })
  }
  addSsoPage(pages, {
    ...common,
    path: OAUTH_PATHS.sso,
    loginToken: async (userId, origin) =>
      (await accounts.loginTokens.generate(userId, SSO_TOKEN_MS, origin)).login_token,
  })
  const { profiles, devices, management, threepids, emails, browserAddresses: addresses } = accounts
  addAccountPage(pages, {
    ...common,
    path: OAUTH_PATHS.account,
    account: {
      ...{ profiles, devices, management, threepids },
      canSendEmail: emails.isOffered,
      sendEmail: (userId, address) => addresses.begin(userId, address),
      isSentFor: (userId, sent) => addresses.isPermitted(userId, sent),
      providersOf: userId => providers.linked.of(userId),
      permitConnecting: (providerId, browser, userId) =>
        providers.permitConnecting(providerId, browser, userId),
      disconnect: (userId, providerId) => providers.linked.disconnect(userId, providerId),
      confirm: (userId, password) => browsers.confirm(userId, password),
      approveKeyReset: async (userId, deviceId) => {
        await oauth.keyResets.approve(userId, deviceId)
      },
    },
  })
}
