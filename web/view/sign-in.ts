import { type Api, ApiError, list, type Session } from '../api.ts'
import { acting, h } from '../dom.ts'
import { words } from '../words.ts'
import { comeBack, hasComeBack, waysToSignIn, wayToAnAccount } from './elsewhere.ts'
import { DEVICE, sessionOf } from './session.ts'

/** The form to sign in, or to make an account where the server lets anybody. */
export const signInView = (api: Api, signedIn: (session: Session) => void): HTMLElement => {
  const user = h('input', { name: 'user', autocomplete: 'username', autocapitalize: 'none', required: true })
  const password = h('input', {
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  })
  const register = h('button', { type: 'button', hidden: true, class: 'quiet' }, words.signIn.makeAccount)
  const byPassword = [
    h('label', {}, words.signIn.userName, user),
    h('label', {}, words.signIn.password, password),
    h('button', { type: 'submit' }, words.signIn.button),
  ]
  const form = h(
    'form',
    { class: 'card', 'aria-labelledby': 'sign-in' },
    h('h1', { id: 'sign-in' }, 'Tessera'),
    ...byPassword,
    register,
  )
  const begin = (act: () => Promise<Session>) =>
    acting(form, async () => {
      if (form.reportValidity()) signedIn(await act().catch(inWords))
    })
  form.addEventListener('submit', event => {
    event.preventDefault()
    begin(() => logIn(api, user.value, password.value))
  })
  register.addEventListener('click', () => begin(() => signUp(api, user.value, password.value)))
  if (hasComeBack()) {
    acting(form, async () => {
      const session = await comeBack(api)
      if (session !== undefined) signedIn(session)
    })
  }
  Promise.all([waysToSignIn(api), stagesToRegister(api)]).then(
    ([{ links, hasPassword, hasPages }, stages]) => {
      const isEasy = stages.some(each => each.join() === 'm.login.dummy')
      register.hidden = !isEasy
      form.append(...links)
      if (!isEasy && hasPages && stages.length > 0) form.append(wayToAnAccount())
      for (const part of byPassword) part.hidden = !hasPassword
    },
    (error: Error) => form.append(h('p', { role: 'alert' }, error.message)),
  )
  return h('main', { class: 'sign-in' }, form)
}

/** What the server refuses, in words of this page where it has some. */
const inWords = (error: unknown): never => {
  const known = error instanceof ApiError ? words.signIn.problems[error.errcode] : undefined
  throw known === undefined ? error : new Error(known)
}

const logIn = async (api: Api, user: string, password: string): Promise<Session> =>
  sessionOf(
    await api.post('/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: user.trim() },
      password,
      ...DEVICE,
    }),
  )

const signUp = async (api: Api, username: string, password: string): Promise<Session> =>
  sessionOf(
    await api.post('/register', {
      username: username.trim(),
      password,
      auth: { type: 'm.login.dummy' },
      ...DEVICE,
    }),
  )

/** What it takes to make an account, in one way or another; nothing where nobody can. */
const stagesToRegister = async (api: Api): Promise<(readonly unknown[])[]> => {
  const refusal: unknown = await api.post('/register').catch((error: unknown) => error)
  const flows = refusal instanceof ApiError ? list(refusal.body['flows']) : []
  return flows.map(({ stages }) => (Array.isArray(stages) ? stages : []))
}
