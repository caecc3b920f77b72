import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { OAuthError } from '../../core/oauth/errors.ts'
import { type OAuthParameters, oauthParameters } from '../../core/oauth/parameters.ts'
import { readBody } from '../body.ts'
import { factsOf, type PageContext } from '../pages.ts'

/** In bytes. What clients register is kept, so that this bounds what all of them together take. */
const BODY_LIMIT = 8_192

/** The bytes of a request's body. */
export const bodyOf = (context: PageContext, clock: Clock): Promise<Buffer> =>
  readBody(context.req, BODY_LIMIT, clock)

/** The parameters of a form: "using the application/x-www-form-urlencoded format" (RFC 6749, 3.2). @throws {OAuthError} */
export const formOf = async (context: PageContext, clock: Clock): Promise<OAuthParameters> => {
  const body = await bodyOf(context, clock)
  if (!context.is('application/x-www-form-urlencoded')) {
    throw new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded')
  }
  return oauthParameters(new URLSearchParams(body.toString()))
}

/**
 * Answers what `work` answers, as JSON that nobody caches, and its refusals in the words of OAuth.
 * @param status of a success
 */
export const answer = async (
  context: PageContext,
  work: () => Promise<object>,
  status = 200,
): Promise<void> => {
  context.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' })
  try {
    factsOf(context).limit('oauth')
    context.body = await work()
    context.status = status
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    context.set(refusal.headers)
    // "If the client attempted to authenticate via the Authorization request header field" (RFC 6749, 5.2).
    const triedToAuthenticate = refusal.status === 401 && context.get('Authorization') !== ''
    if (triedToAuthenticate) context.set('WWW-Authenticate', 'Basic realm="OAuth 2.0"')
    context.status = refusal.status
    context.body = refusal.fields
  }
}

const refusalOf = (error: unknown) => {
  if (error instanceof OAuthError) return { status: error.status, fields: error.fields, headers: {} }
  if (!(error instanceof MatrixError)) return undefined
  // A client takes any 4xx for the end of its session ("Refresh token grant"), but this passes.
  const code = error.status === 429 ? 'temporarily_unavailable' : 'invalid_request'
  return {
    status: error.status === 429 ? 503 : error.status,
    fields: { error: code, error_description: error.message },
    headers: { ...error.headers },
  }
}
