import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Authenticated } from './interactive-attempt.ts'
import type { AccountsOptions } from './options.ts'

/**
 * The ways to register: lists of stages. Where an e-mail address may be given or not, the dummy stage tells the ways
 * apart: "It can also be used to differentiate flows where otherwise one flow would be a subset of another flow".
 *
 * @param canSendEmail without a mail server nobody passes a required address: then nobody can register
 */
export const registrationFlows = (
  { mode, terms, email }: AccountsOptions['registration'],
  canSendEmail: boolean,
): string[][] => {
  const stages = [
    ...(mode === 'token' ? ['m.login.registration_token'] : []),
    ...(terms === undefined ? [] : ['m.login.terms']),
  ]
  const withEmail = [...stages, 'm.login.email.identity']
  if (email === 'required') return [withEmail]
  if (email === 'optional' && canSendEmail) return [[...stages, 'm.login.dummy'], withEmail]
  return [stages.length === 0 ? ['m.login.dummy'] : stages]
}

/** Which version of each policy document the session has shown, if it has passed that stage. */
export const acceptedTerms = ({ completed, session }: Authenticated): string | undefined => {
  if (!completed.includes('m.login.terms') || session === undefined) return undefined
  const shown = (JSON.parse(session.params) as JsonObject)['m.login.terms']
  const policies = isJsonObject(shown) && isJsonObject(shown.policies) ? shown.policies : {}
  const versions = Object.entries(policies).map(([id, policy]) => [
    id,
    isJsonObject(policy) ? policy.version : undefined,
  ])
  return JSON.stringify(Object.fromEntries(versions))
}

/** Refuses everybody who would register. */
export const registrationClosed = (): MatrixError =>
  new MatrixError(
    'M_FORBIDDEN',
    'Registration is closed on this server. Ask its administrator for an account.',
  )
