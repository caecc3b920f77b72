import { type Errcode, MatrixError } from '../../../core/errors.ts'
import { FederationError } from '../../../network/federation-client.ts'

/**
 * What a peer's refusal means to the client who asked, most telling first: when several servers were asked in vain,
 * the first of these is the answer. Codes about tokens or parameters are not here: they would be about our request,
 * not the client's.
 */
const PASSED_ON: readonly Errcode[] = [
  'M_INCOMPATIBLE_ROOM_VERSION',
  'M_INVITE_BLOCKED',
  'M_FORBIDDEN',
  'M_UNABLE_TO_GRANT_JOIN',
  'M_UNABLE_TO_AUTHORISE_JOIN',
  'M_UNSUPPORTED_ROOM_VERSION',
  'M_RESOURCE_LIMIT_EXCEEDED',
  'M_BAD_STATE',
  'M_EXCLUSIVE',
  'M_TOO_LARGE',
  'M_LIMIT_EXCEEDED',
  'M_NOT_FOUND',
]

/** Renders what a request to another server ended with as the client's error. Any other error stays itself. */
export const toClientError = (error: unknown): unknown => {
  if (!(error instanceof FederationError)) return error
  const { destination, kind } = error
  const options = { cause: error }
  switch (kind) {
    case 'response':
      return responseError(error)
    case 'timeout':
      return new MatrixError('M_CONNECTION_TIMEOUT', `${destination} did not answer in time`, options)
    case 'unreachable':
      return new MatrixError('M_CONNECTION_FAILED', `${destination} cannot be reached`, options)
    case 'denied':
      return new MatrixError('M_FORBIDDEN', `This server does not talk to ${destination}`, options)
    case 'malformed':
    case 'too-large':
      return new MatrixError('M_UNKNOWN', `${destination} gave an answer that makes no sense`, {
        ...options,
        status: 502,
      })
  }
}

const responseError = (error: FederationError): MatrixError => {
  const { destination, message, fields, retryAfterMs } = error
  const contact = fields['admin_contact']
  // "The error MUST have an `admin_contact` field": without it the code is not handed on.
  const isWhole = error.errcode !== 'M_RESOURCE_LIMIT_EXCEEDED' || typeof contact === 'string'
  const errcode = PASSED_ON.find(code => isWhole && code === error.errcode) ?? fromStatus(error.status)
  if (errcode === undefined) {
    return new MatrixError('M_UNKNOWN', `${destination} refused: ${message}`, { status: 502, cause: error })
  }
  const roomVersion = fields['room_version']
  return new MatrixError(errcode, message, {
    cause: error,
    fields: {
      ...(errcode === 'M_INCOMPATIBLE_ROOM_VERSION' && typeof roomVersion === 'string'
        ? { room_version: roomVersion }
        : {}),
      ...(errcode === 'M_RESOURCE_LIMIT_EXCEEDED' && typeof contact === 'string'
        ? { admin_contact: contact }
        : {}),
      ...(errcode === 'M_LIMIT_EXCEEDED' && retryAfterMs !== undefined
        ? { retry_after_ms: retryAfterMs }
        : {}),
    },
  })
}

const fromStatus = (status: number | undefined): Errcode | undefined => {
  if (status === 403) return 'M_FORBIDDEN'
  if (status === 404) return 'M_NOT_FOUND'
  return status === 429 ? 'M_LIMIT_EXCEEDED' : undefined
}

/** Of the errors of several servers, the one that tells most. */
export const mostTelling = (errors: readonly unknown[]): unknown => {
  const rank = (error: unknown): number => {
    if (!(error instanceof MatrixError)) return PASSED_ON.length + 1
    const index = PASSED_ON.indexOf(error.errcode)
    return index === -1 ? PASSED_ON.length : index
  }
  return errors.toSorted((a, b) => rank(a) - rank(b))[0]
}
