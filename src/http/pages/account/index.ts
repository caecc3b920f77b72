import type { PageContext, Pages } from '../../pages.ts'
import { formFields, type Visitor, visitorOf } from '../browser.ts'
import { askToSignIn, signInOrOut } from '../sign-in.ts'
import type { AccountAction, AccountOptions, Call } from './action.ts'
import { addresses } from './addresses.ts'
import { allSessionsEnd } from './all-sessions.ts'
import { deactivation } from './deactivation.ts'
import { keyReset } from './key-reset.ts'
import { overview } from './overview.ts'
import { password } from './password.ts'
import { profile } from './profile.ts'
import { providers } from './providers.ts'
import { sessionEnd, sessionsList, sessionView } from './sessions.ts'

/** "Account management URL actions", and in the second place what they were called before version 1.18 (MSC4191). */
const ACTIONS: Readonly<Record<string, AccountAction>> = {
  'org.matrix.profile': profile,
  'org.matrix.devices_list': sessionsList,
  'org.matrix.sessions_list': sessionsList,
  'org.matrix.device_view': sessionView,
  'org.matrix.session_view': sessionView,
  'org.matrix.device_delete': sessionEnd,
  'org.matrix.session_end': sessionEnd,
  'org.matrix.account_deactivate': deactivation,
  'org.matrix.cross_signing_reset': keyReset,
  'chat.tessera.password': password,
  'chat.tessera.addresses': addresses,
  'chat.tessera.providers': providers,
  'chat.tessera.sessions_end': allSessionsEnd,
}

/**
 * Adds the page on which people look after their account: what a client cannot do that they have given a session to. An
 * action that is not known leads to all that there are.
 */
export const addAccountPage = (pages: Pages, options: AccountOptions): void => {
  pages.get(options.path, async context => {
    const visitor = await visitorOf(context, options)
    const call = callOf(context, options, visitor)
    if (call === undefined) return askToSignIn(context, options, visitor)
    await actionOf(context).show(call)
  })
  pages.post(options.path, async context => {
    const visitor = await visitorOf(context, options)
    const fields = await formFields(context, options, visitor)
    if (fields === undefined || (await signInOrOut(context, options, visitor, fields))) return
    const call = callOf(context, options, visitor)
    if (call === undefined) return askToSignIn(context, options, visitor)
    await actionOf(context).submit(call, fields)
  })
}

const actionOf = (context: PageContext): AccountAction => {
  const action = new URLSearchParams(context.querystring).get('action') ?? ''
  return Object.hasOwn(ACTIONS, action) ? (ACTIONS[action] ?? overview) : overview
}

const callOf = (context: PageContext, options: AccountOptions, visitor: Visitor): Call | undefined => {
  const { user } = visitor
  const deviceId = new URLSearchParams(context.querystring).get('device_id') || undefined
  return user && { context, options, visitor, user, deviceId }
}
