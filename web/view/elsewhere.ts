import { type Api, list, path, type Session, text } from '../api.ts'
import { h } from '../dom.ts'
import { words } from '../words.ts'
import { DEVICE, sessionOf } from './session.ts'

/** Where it is kept, while one is elsewhere, that this page has sent one there: nobody else's token counts. */
const KEPT_AS = 'tessera.elsewhere'

const newState = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')

/** A link to pages that sign somebody in, and bring them back here. */
const wayTo = (page: string, more: Readonly<Record<string, string>>, name: string): HTMLElement => {
  const state = newState()
  const query = new URLSearchParams({ redirectUrl: `${location.origin}/?state=${state}`, ...more })
  return h(
    'a',
    {
      class: 'way',
      href: `/_matrix/client/v3/login/sso/redirect${page}?${query}`,
      onclick: () => sessionStorage.setItem(KEPT_AS, state),
    },
    name,
  )
}

/** The way to an account where that takes more than a name and a password, such as a token. */
export const wayToAnAccount = (): HTMLElement => wayTo('', { action: 'register' }, words.signIn.makeAccount)

/** The ways to sign in with accounts elsewhere, and whether people can sign in with a password here. */
export const waysToSignIn = async (api: Api): Promise<WaysToSignIn> => {
  const flows = list((await api.get('/login'))['flows'])
  const sso = flows.find(flow => flow['type'] === 'm.login.sso')
  const links = list(sso?.['identity_providers']).map(provider =>
    wayTo(path`/${text(provider['id']) ?? ''}`, {}, words.signIn.goOnWith(text(provider['name']) ?? '')),
  )
  return {
    links,
    hasPassword: flows.some(flow => flow['type'] === 'm.login.password'),
    hasPages: sso !== undefined,
  }
}

interface WaysToSignIn {
  /** To accounts elsewhere. */
  readonly links: HTMLElement[]
  readonly hasPassword: boolean
  /** Whether this server has pages of its own on which people sign in, and make accounts. */
  readonly hasPages: boolean
}

/** Whether somebody has just come from elsewhere. */
export const hasComeBack = (): boolean => new URLSearchParams(location.search).has('loginToken')

/** The session of somebody who has come back from there; `undefined` if nobody has. */
export const comeBack = async (api: Api): Promise<Session | undefined> => {
  const query = new URLSearchParams(location.search)
  const [token, state] = [query.get('loginToken'), query.get('state')]
  if (token === null || state === null) return undefined
  history.replaceState(null, '', '/')
  const isOurs = state === sessionStorage.getItem(KEPT_AS)
  sessionStorage.removeItem(KEPT_AS)
  if (!isOurs) return undefined
  return sessionOf(await api.post('/login', { type: 'm.login.token', token, ...DEVICE }))
}
