import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AccountsContext } from './context.ts'
import type { EmailValidations } from './email-validation.ts'
import { emailUse, InteractiveChallenge } from './interactive-attempt.ts'
import type { UserInteractive } from './user-interactive.ts'

/** Stages of user-interactive authentication that are passed in a browser, for clients that do not know them ("Fallback"). */
export class BrowserStages {
  readonly #context: AccountsContext
  readonly #interactive: UserInteractive
  readonly #emails: EmailValidations

  constructor(context: AccountsContext, parts: { interactive: UserInteractive; emails: EmailValidations }) {
    this.#context = context
    this.#interactive = parts.interactive
    this.#emails = parts.emails
  }

  /** What a stage of a session shows, what it is for, and whether it was passed. `undefined`: no such session, or no such stage in it. */
  async stage(
    sessionId: string,
    type: string,
  ): Promise<{ params: JsonObject; isDone: boolean; operation: string } | undefined> {
    const session = await this.#interactive.session(sessionId)
    if (session === undefined || !session.flows.some(flow => flow.includes(type))) return undefined
    const params = (JSON.parse(session.params) as Record<string, JsonObject>)[type] ?? {}
    return { params, isDone: session.completed.includes(type), operation: session.operation }
  }

  /** Attempts a stage. @throws {MatrixError} when it is not passed */
  async submit(sessionId: string, type: string, auth: JsonObject): Promise<void> {
    try {
      await this.#interactive.passStage(sessionId, type, auth)
    } catch (error) {
      throw error instanceof InteractiveChallenge ? error.failure : error
    }
  }

  /** Has the owner of an address confirm it for a session. @returns the `sid` @throws {MatrixError} as `request` */
  async sendEmail(sessionId: string, email: string, clientSecret: string): Promise<string> {
    const session = await this.#interactive.session(sessionId)
    if (session === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such session.')
    const sendAttempt = this.#context.clock.now()
    const request = { client_secret: clientSecret, email, send_attempt: sendAttempt }
    return (await this.#emails.request(emailUse(session), request)).sid
  }
}
