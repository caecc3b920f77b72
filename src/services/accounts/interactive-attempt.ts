import { hash } from 'node:crypto'
import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { InteractiveSession } from '../../storage/accounts/interactive-sessions.ts'
import type { Passwords } from './passwords.ts'

/** A body that may hold an attempt. */
export interface InteractiveBody {
  readonly auth?: unknown
}

/** A request as far as confirming it by password needs it. */
export interface ConfirmableRequest {
  readonly method: string
  /** The request target; the query string does not matter. */
  readonly uri: string
}

/** A request that needs user-interactive authentication, and what it needs. */
export interface InteractiveAttempt {
  /** Method and path without query: what a session is good for. */
  readonly operation: string
  /** The request's JSON body; its member `auth` is what the client submits here. */
  readonly body: InteractiveBody
  /** Whose access token came with it. */
  readonly userId?: string | undefined
  /** The ways to authenticate: stages in order. */
  readonly flows: readonly (readonly string[])[]
  /** What the stage of e-mail addresses takes one for, where it is in a flow. */
  readonly emailFor?: 'register' | 'password'
  /** Whom a page of this server has seen sign in elsewhere just now. Nothing that a client sends gets here. */
  readonly seenElsewhere?: string | undefined
  /**
   * What else a session is bound to. `request`: the body with which its first stage is passed, so that nothing else can be
   * done with a confirmation that was given for this. `operation`: nothing; for registration, where all stages may be
   * passed before there is a name.
   */
  readonly binding: 'request' | 'operation'
  /** A completed session is good for one success. Otherwise it may be repeated, for clients that lost the answer. */
  readonly singleUse?: boolean
}

/** The same with a hash of what it asks for, if its session is bound to that. */
export interface BoundAttempt extends InteractiveAttempt {
  readonly requestHash: string | undefined
}

/** What a completed flow has shown. */
export interface Authenticated {
  /** Whose access token it was, or whom a stage has identified. */
  readonly userId: string | undefined
  readonly completed: readonly string[]
  /** The session of the e-mail address that was shown, if one was. */
  readonly emailSid: string | undefined
  /** `undefined` when everything was submitted at once, without a session. */
  readonly session: InteractiveSession | undefined
}

/**
 * The 401 response that asks for (further) authentication. Unlike all other errors it has an `errcode` only if an
 * attempt has failed.
 */
export class InteractiveChallenge extends MatrixError {
  /** Why the attempt at a stage has failed, if one was made. */
  readonly failure: MatrixError | undefined
  readonly #body: JsonObject

  constructor(body: JsonObject, failure: MatrixError | undefined) {
    super(failure?.errcode ?? 'M_FORBIDDEN', failure?.message ?? 'Authentication is required.', {
      status: 401,
    })
    this.name = 'InteractiveChallenge'
    this.failure = failure
    this.#body = failure === undefined ? body : { ...body, ...failure.body }
  }

  override get body(): JsonObject {
    return this.#body
  }
}

/** Asks for what is still to be done in a session. @param failure of the attempt at a stage, if one was made */
export const challengeOf = (
  { flows }: InteractiveAttempt,
  { params, sessionId, completed }: InteractiveSession,
  failure: MatrixError | undefined,
): InteractiveChallenge =>
  new InteractiveChallenge(
    {
      flows: flows.map(stages => ({ stages })),
      params: JSON.parse(params) as JsonObject,
      session: sessionId,
      // "As above", with what was completed, is also how a failed attempt is answered, be it the first.
      ...(completed.length > 0 || failure !== undefined ? { completed } : {}),
    },
    failure,
  )

/** Whether the completed stages are those of one of the flows. */
export const isComplete = (attempt: InteractiveAttempt, completed: readonly string[]): boolean =>
  attempt.flows.some(
    flow => flow.length === completed.length && flow.every((stage, index) => completed[index] === stage),
  )

/**
 * Hashes the body without `auth`, the same however its members are ordered. The hash is stored: whoever gets to see it has to guess
 * as slowly as from the hash of the password itself.
 * @throws {MatrixError} `M_LIMIT_EXCEEDED` when too many passwords are waiting to be hashed
 */
export const bound = async (
  attempt: InteractiveAttempt,
  passwords: Pick<Passwords, 'digest'>,
): Promise<BoundAttempt> => {
  const { binding, body, userId = '' } = attempt
  if (binding === 'operation') return { ...attempt, requestHash: undefined }
  const { auth: _, ...rest } = body as JsonObject
  const { new_password: password } = rest
  const kept =
    typeof password === 'string' ? { ...rest, new_password: await passwords.digest(password, userId) } : rest
  return { ...attempt, requestHash: hash('sha256', JSON.stringify(sorted(kept)), 'base64url') }
}

const sorted = (value: JsonValue | undefined): JsonValue => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return (value ?? null) as JsonValue
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

/**
 * The request that a session is good for: the one with which its first stage was passed. Until then nothing was confirmed,
 * and clients that have asked for the flows with an empty body may go on with the full one.
 */
export const boundRequest = (attempt: BoundAttempt, session: InteractiveSession): string | undefined =>
  attempt.binding === 'request' && session.completed.length === 0 ? attempt.requestHash : session.requestHash

/**
 * Whose session it is once a stage was passed. What a stage shows of somebody else says nothing about them.
 * @throws {MatrixError} `M_FORBIDDEN`
 */
export const ownerOf = (session: InteractiveSession, shown: string | undefined): string | undefined => {
  if (session.userId !== undefined && shown !== undefined && shown !== session.userId)
    throw new MatrixError('M_FORBIDDEN', 'This belongs to somebody else.')
  return session.userId ?? shown
}

/** What an e-mail address is shown for in a session. */
export const emailUse = ({ operation }: InteractiveSession): 'register' | 'password' =>
  operation.endsWith('/register') ? 'register' : 'password'

/** Method and path: what an interactive session is bound to. */
export const operationOf = ({ method, uri }: ConfirmableRequest): string => {
  const query = uri.indexOf('?')
  return `${method} ${query === -1 ? uri : uri.slice(0, query)}`
}
