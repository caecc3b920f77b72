import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { InteractiveSession } from '../../storage/accounts/interactive-sessions.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import {
  type Authenticated,
  type BoundAttempt,
  bound,
  boundRequest,
  challengeOf,
  emailUse,
  type InteractiveAttempt,
  InteractiveChallenge,
  isComplete,
  ownerOf,
} from './interactive-attempt.ts'
import { type Stage, StageRefused } from './interactive-stages.ts'
import { newOpaqueId } from './secrets.ts'

/** How long a session may stay without progress: somebody may have to ask for a registration token. */
const LIFETIME_MS = 86_400_000

/** How long a completed one may be used: long enough to repeat a request whose answer was lost. */
const COMPLETED_LIFETIME_MS = 600_000

/** Sessions kept at most, since anybody can start one; the oldest go first. */
const MAX_SESSIONS = 50_000

/** Expired sessions are removed with every so many new ones. */
const PRUNE_EVERY = 100

const GUARD_MESSAGES: Readonly<Record<string, string>> = {
  'session-changed': 'Another request of this session came first.',
  'token-refused': 'The registration token is not valid.',
  'email-used': 'The confirmation of the e-mail address was used already.',
}

/**
 * The User-Interactive Authentication API: one engine for every operation that demands it. Sessions are in the
 * database, so that they survive a restart and are good for any process.
 */
export class UserInteractive {
  readonly #context: AccountsContext
  readonly #stages: ReadonlyMap<string, Stage>
  #untilPrune = 1

  constructor(context: AccountsContext, stages: ReadonlyMap<string, Stage>) {
    this.#context = context
    this.#stages = stages
  }

  /**
   * Resolves when the client has completed one of the flows.
   *
   * @throws {InteractiveChallenge} when there is more to do, or an attempt at a stage has failed
   * @throws {MatrixError} `M_FORBIDDEN` when the session belongs to another request, or a password is not that of the address it is given for
   */
  async require(asked: InteractiveAttempt): Promise<Authenticated> {
    const attempt = await bound(asked, this.#context.passwords)
    const auth = isJsonObject(attempt.body.auth) ? attempt.body.auth : undefined
    const sessionId = typeof auth?.session === 'string' ? auth.session : undefined
    const session = sessionId === undefined ? undefined : await this.session(sessionId)
    if (auth === undefined || (sessionId !== undefined && session === undefined)) {
      const expired = new MatrixError('M_FORBIDDEN', 'The session has expired: this is a new one.')
      return this.#challenge(attempt, await this.#open(attempt), auth === undefined ? undefined : expired)
    }
    if (session !== undefined) this.#refuseOtherRequests(attempt, session)
    const stage = typeof auth.type === 'string' ? auth.type : undefined
    if (session !== undefined && (stage === undefined || session.completed.includes(stage))) {
      // "Completed stages cannot be retried": the answer is what is still to be done, or the operation itself.
      return this.#standing(attempt, session)
    }
    if (stage === undefined) return this.#challenge(attempt, await this.#open(attempt), undefined)
    return this.#submit(attempt, session, stage, auth)
  }

  /** A live session. */
  session(sessionId: string): Promise<InteractiveSession | undefined> {
    return this.#context.read.interactive.byId(sessionId, this.#context.clock.now())
  }

  /**
   * Attempts a stage of a session without the request that it is for, as a browser does ("Fallback"). The client then
   * finds the stage completed.
   *
   * @param seenElsewhere whom the browser's page has seen sign in elsewhere
   * @throws {MatrixError} `M_NOT_FOUND`: no such session; `M_FORBIDDEN` and others: the stage was not passed
   */
  async passStage(sessionId: string, type: string, auth: JsonObject, seenElsewhere?: string): Promise<void> {
    const session = await this.session(sessionId)
    if (session === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such session.')
    const { operation, userId, flows } = session
    const emailFor = emailUse(session)
    const binding = 'operation' as const
    const attempt = {
      operation,
      userId,
      flows,
      body: {},
      binding,
      requestHash: undefined,
      emailFor,
      seenElsewhere,
    }
    try {
      await this.#submit(attempt, session, type, auth)
    } catch (error) {
      // A challenge without a failure says that other stages are still to be passed.
      if (!(error instanceof InteractiveChallenge) || error.failure !== undefined) throw error
    }
  }

  /** Removes expired sessions, and the oldest beyond the limit. */
  async prune(): Promise<void> {
    const { clock, write } = this.#context
    await this.#context.commit([write.interactive.prune(clock.now(), MAX_SESSIONS)])
  }

  async #submit(
    attempt: BoundAttempt,
    known: InteractiveSession | undefined,
    type: string,
    auth: JsonObject,
  ): Promise<Authenticated> {
    const stage = this.#stages.get(type)
    const before = known ?? this.#draft(attempt)
    const isNext = attempt.flows.some(
      flow =>
        flow[before.completed.length] === type &&
        before.completed.every((done, index) => flow[index] === done),
    )
    try {
      if (stage === undefined || !isNext)
        throw new MatrixError('M_FORBIDDEN', `${type} is not the next stage.`)
      const passed = await stage.attempt(auth, before, attempt)
      const completed = [...before.completed, type]
      const after: InteractiveSession = {
        ...before,
        completed,
        requestHash: boundRequest(attempt, before),
        userId: ownerOf(before, passed.userId),
        emailSid: passed.emailSid ?? before.emailSid,
        expiresTs: isComplete(attempt, completed)
          ? this.#context.clock.now() + COMPLETED_LIFETIME_MS
          : before.expiresTs,
      }
      return await this.#progress(attempt, known, before, after, passed.statements ?? [])
    } catch (error) {
      const isFinal = error instanceof InteractiveChallenge || error instanceof StageRefused
      if (!(error instanceof MatrixError) || isFinal || error.status === 429) throw error
      return this.#challenge(attempt, known ?? (await this.#open(attempt)), error)
    }
  }

  async #progress(
    attempt: BoundAttempt,
    known: InteractiveSession | undefined,
    before: InteractiveSession,
    after: InteractiveSession,
    statements: readonly WriteStatement[],
  ): Promise<Authenticated> {
    const type = after.completed.at(-1) ?? ''
    if (known === undefined && isComplete(attempt, after.completed) && statements.length === 0) {
      const { userId, completed, emailSid } = after
      return { userId, completed, emailSid, session: undefined }
    }
    const { interactive } = this.#context.write
    const result = await this.#context.commit([
      known === undefined ? interactive.insert(after) : interactive.complete(before, after),
      ...statements,
    ])
    const stored = await this.session(after.sessionId)
    // Another request has passed the stage just now: this one finds it completed.
    const isLate = !result.ok && result.guard === 'session-changed' && stored?.completed.includes(type)
    if (!result.ok && !isLate)
      throw new MatrixError('M_FORBIDDEN', GUARD_MESSAGES[result.guard] ?? 'The stage was not passed.')
    if (isLate && stored !== undefined) this.#refuseOtherRequests(attempt, stored)
    return this.#standing(attempt, stored ?? after)
  }

  /** What is still to be done, or that nothing is. */
  #standing(attempt: BoundAttempt, session: InteractiveSession): Promise<Authenticated> {
    if (isComplete(attempt, session.completed)) return this.#finish(attempt, session)
    this.#challenge(attempt, session, undefined)
  }

  async #finish(attempt: BoundAttempt, session: InteractiveSession): Promise<Authenticated> {
    if (attempt.singleUse === true) {
      const result = await this.#context.commit([this.#context.write.interactive.use(session.sessionId)])
      if (!result.ok) return this.#challenge(attempt, await this.#open(attempt), undefined)
    }
    const { userId, completed, emailSid } = session
    return { userId, completed, emailSid, session }
  }

  /** A session may not be carried to another operation, another body, or another user. */
  #refuseOtherRequests(attempt: BoundAttempt, session: InteractiveSession): void {
    const isSame =
      session.operation === attempt.operation &&
      boundRequest(attempt, session) === attempt.requestHash &&
      (attempt.userId === undefined || attempt.userId === session.userId)
    if (!isSame)
      throw new MatrixError('M_FORBIDDEN', 'The request is not the one that this session was started for.')
  }

  #draft(attempt: BoundAttempt): InteractiveSession {
    const { clock, random } = this.#context
    const now = clock.now()
    return {
      sessionId: newOpaqueId(random),
      operation: attempt.operation,
      requestHash: attempt.requestHash,
      userId: attempt.userId,
      completed: [],
      params: JSON.stringify(this.#params(attempt)),
      registrationToken: undefined,
      emailSid: undefined,
      flows: attempt.flows,
      wish: undefined,
      outcome: undefined,
      createdTs: now,
      expiresTs: now + LIFETIME_MS,
    }
  }

  async #open(attempt: BoundAttempt): Promise<InteractiveSession> {
    const session = this.#draft(attempt)
    await this.#context.commit([this.#context.write.interactive.insert(session)])
    this.#untilPrune--
    if (this.#untilPrune <= 0) {
      this.#untilPrune = PRUNE_EVERY
      await this.prune()
    }
    return session
  }

  #params(attempt: BoundAttempt): JsonObject {
    const types = new Set(attempt.flows.flat())
    const params = [...types].map(type => [type, this.#stages.get(type)?.params?.()] as const)
    return Object.fromEntries(params.filter(([, value]) => value !== undefined))
  }

  #challenge(attempt: BoundAttempt, session: InteractiveSession, failure: MatrixError | undefined): never {
    throw challengeOf(attempt, session, failure)
  }
}
