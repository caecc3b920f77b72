import { OutsideError } from '../../core/errors.ts'
import { OutboundError } from '../outbound-error.ts'

/**
 * A provider did not say who somebody is. `refused`: the person does not want to, or may not. `unreachable`: no answer came.
 * `invalid`: an answer is not in order, or the provider does not know this server; the message says what, for the log.
 */
export class OpenIdError extends OutsideError {
  override readonly name = 'OpenIdError'
  readonly kind: 'refused' | 'unreachable' | 'invalid'

  constructor(kind: OpenIdError['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }

  override get expected(): boolean {
    return true
  }
}

/** What these mean for a person: that they, or their administrator, do not want it ("Authentication Error Response"). */
const REFUSALS = ['access_denied', 'login_required', 'consent_required', 'interaction_required']

/** Turns failures into `OpenIdError`, with what the log should say; what the provider wrote is cut short. */
export const explained = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OpenIdError) throw error
    if (error instanceof OutboundError) throw new OpenIdError('unreachable', error.message, error)
    const {
      status,
      error: code,
      error_description: description,
      message,
    } = error as {
      status?: unknown
      error?: unknown
      error_description?: unknown
      message?: unknown
    }
    if (status === 401) {
      const why = 'the provider answers 401, as to a client ID or secret that is not right'
      throw new OpenIdError('invalid', why, error)
    }
    if (typeof code === 'string') {
      const kind = REFUSALS.includes(code) ? 'refused' : 'invalid'
      const why = typeof description === 'string' ? `: ${description}` : ''
      throw new OpenIdError(kind, `the provider answers ${code}${why}`.slice(0, 300))
    }
    throw new OpenIdError('invalid', String(message ?? error).slice(0, 300), error)
  }
}
