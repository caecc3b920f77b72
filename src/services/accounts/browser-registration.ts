import type { JsonObject } from '../../core/json.ts'
import type { AccountsContext } from './context.ts'
import type { EmailCredentials, EmailValidations } from './email-validation.ts'
import { type InteractiveBody, InteractiveChallenge } from './interactive-attempt.ts'
import type { Registered, Registration } from './registration.ts'
import { registrationClosed, registrationFlows } from './registration-stages.ts'
import type { RegisterRequest } from './registration-wishes.ts'

/** What interactive sessions that begin on a page of this server are bound to. */
const TARGET = { method: 'POST', uri: '/pages/register' }

/** Makes accounts for people who are on a page of this server: by the same stages that clients go through, one after another. */
export class BrowserRegistration {
  readonly #context: AccountsContext
  readonly #registration: Registration
  readonly #emails: EmailValidations

  constructor(context: AccountsContext, parts: { registration: Registration; emails: EmailValidations }) {
    this.#context = context
    this.#registration = parts.registration
    this.#emails = parts.emails
  }

  /** Whether anybody can make an account, be it with a token. */
  get isOpen(): boolean {
    return this.#context.options.registration.mode !== 'closed'
  }

  get needsToken(): boolean {
    return this.#stages.includes('m.login.registration_token')
  }

  get needsEmail(): boolean {
    return this.#stages.includes('m.login.email.identity')
  }

  /** Of passwords, in characters. */
  get minimumPasswordLength(): number {
    return this.#context.options.passwords.minimumLength
  }

  /** The documents to accept, in a language where they come in it, else in the first that they come in. */
  terms(language: string): { name: string; url: string }[] {
    const { terms = {} } = this.#context.options.registration
    return Object.values(terms).flatMap(({ translations }) => {
      const shown = translations[language] ?? Object.values(translations)[0]
      return shown === undefined ? [] : [shown]
    })
  }

  /** Has the owner of an address confirm it. @throws {MatrixError} as `EmailValidations.request` */
  sendEmail(address: string): Promise<EmailCredentials> {
    return this.#emails.begin('register', address)
  }

  /** Makes an account. @returns the user ID @throws {MatrixError} as `Registration.register`, and of stages that were not passed */
  async create(account: {
    username: string
    password: string
    token: string
    email: { sid: string; clientSecret: string } | undefined
  }): Promise<string> {
    const { username, password, token, email } = account
    const answers: Readonly<Record<string, JsonObject>> = {
      'm.login.registration_token': { token },
      'm.login.email.identity': {
        threepid_creds: { sid: email?.sid, client_secret: email?.clientSecret },
      },
    }
    let session: string | undefined
    try {
      for (const type of this.#stages) {
        const auth: JsonObject = { type, ...(session === undefined ? {} : { session }), ...answers[type] }
        const made = await this.#attempt({ username, password, inhibit_login: true, auth })
        if (!(made instanceof InteractiveChallenge)) return made.user_id
        session = String(made.body['session'])
        if (made.failure !== undefined) throw made.failure
      }
      throw registrationClosed()
    } catch (error) {
      // The next try is another session, which may need the same use of the registration token.
      if (session !== undefined) await this.#context.commit([this.#context.write.interactive.use(session)])
      throw error
    }
  }

  /** @returns the account, or what is still to be done, or has failed */
  async #attempt(request: RegisterRequest & InteractiveBody): Promise<InteractiveChallenge | Registered> {
    try {
      return await this.#registration.register(request, TARGET)
    } catch (error) {
      if (error instanceof InteractiveChallenge) return error
      throw error
    }
  }

  /** The shortest way to register. */
  get #stages(): readonly string[] {
    return registrationFlows(this.#context.options.registration, this.#emails.isOffered)[0] ?? []
  }
}
