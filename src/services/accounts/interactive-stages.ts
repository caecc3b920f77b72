import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { InteractiveSession } from '../../storage/accounts/interactive-sessions.ts'
import type { User } from '../../storage/accounts/users.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import { type EmailValidations, UnconfirmedEmail, type ValidatedEmail } from './email-validation.ts'
import type { InteractiveAttempt } from './interactive-attempt.ts'
import type { Login } from './login.ts'
import type { PolicyDocument } from './options.ts'
import { type NamedUser, namedUser } from './usernames.ts'

/** A stage was passed. */
export interface StagePassed {
  /** Whom the stage has identified. */
  readonly userId?: string
  /** The session of the e-mail address that the stage has shown. */
  readonly emailSid?: string
  /** What has to be stored together with the passing. */
  readonly statements?: readonly WriteStatement[]
}

/** One type of authentication ("Authentication types"). */
export interface Stage {
  /** What the client has to know to use it. */
  params?(): JsonObject | undefined
  /** @throws {MatrixError} with the `errcode` that the client is shown, when the attempt has failed */
  attempt(auth: JsonObject, session: InteractiveSession, attempt: InteractiveAttempt): Promise<StagePassed>
}

/** A failure that is answered as it is, without a challenge to try again. */
export class StageRefused extends MatrixError {}

/** The stages that are offered anywhere, by type. */
export const interactiveStages = (
  context: AccountsContext,
  { login, emails }: { login: Login; emails: EmailValidations },
): Map<string, Stage> => {
  const stages = new Map<string, Stage>([
    ['m.login.dummy', { attempt: async () => ({}) }],
    ['m.login.password', passwordStage(login)],
    ['m.login.registration_token', registrationTokenStage(context)],
    ['m.login.email.identity', emailStage(context, emails)],
    ['m.login.sso', ssoStage],
  ])
  const { terms } = context.options.registration
  if (terms !== undefined) stages.set('m.login.terms', termsStage(terms))
  return stages
}

/** "Password-based": of the user whose access token it is; without one, of the user who is named. */
const passwordStage = (login: Login): Stage => ({
  async attempt(auth, session) {
    const named = namedUser(auth) ?? (session.userId === undefined ? undefined : { user: session.userId })
    if (typeof auth.password !== 'string' || named === undefined) {
      throw new MatrixError('M_MISSING_PARAM', 'A user and a password are needed.')
    }
    return { userId: (await verified(login, named, auth.password, session)).userId }
  },
})

/**
 * "In the case that the homeserver does not know about the supplied 3PID, the homeserver must respond with 403 Forbidden": so it
 * does to a wrong password, too, or anybody could find out which addresses have accounts.
 */
const verified = async (
  login: Login,
  named: NamedUser,
  password: string,
  { userId }: InteractiveSession,
): Promise<User> => {
  try {
    return await login.verify(named, password, { userId })
  } catch (error) {
    if (!(error instanceof MatrixError) || 'user' in named) throw error
    throw new StageRefused(error.errcode, error.message)
  }
}

/** "Token-authenticated registration": the session reserves a use of the token, until it expires or has made an account. */
const registrationTokenStage = ({ clock, write }: AccountsContext): Stage => ({
  async attempt(auth, session) {
    if (typeof auth.token !== 'string')
      throw new MatrixError('M_MISSING_PARAM', 'A registration token is needed.')
    return { statements: write.registrationTokens.reserve(auth.token, session.sessionId, clock.now()) }
  },
})

/**
 * "Email-based": an address that was validated for this. A registration adds it to the account; for a new password it
 * says whose account it is, once.
 */
const emailStage = ({ read, write }: AccountsContext, emails: EmailValidations): Stage => ({
  async attempt(auth, _session, { emailFor }) {
    const { sid, client_secret: clientSecret } = isJsonObject(auth.threepid_creds) ? auth.threepid_creds : {}
    if (typeof sid !== 'string' || typeof clientSecret !== 'string') {
      throw new MatrixError('M_MISSING_PARAM', 'threepid_creds with sid and client_secret are needed.')
    }
    const purpose = emailFor ?? 'register'
    const email = await confirmed(() => emails.validated(purpose, { sid, clientSecret }))
    if (purpose === 'register') return { emailSid: email.sid }
    const userId = await read.threepids.owner({ medium: 'email', address: email.address })
    if (userId === undefined) {
      throw new MatrixError('M_THREEPID_NOT_FOUND', 'No account has this e-mail address.')
    }
    return { userId, statements: [write.emails.use(email.sid)] }
  },
})

/** Clients ask again and again until the link in the mail is followed; by this code Element knows that there is nothing to show. */
const confirmed = async (look: () => Promise<ValidatedEmail>): Promise<ValidatedEmail> => {
  try {
    return await look()
  } catch (error) {
    throw error instanceof UnconfirmedEmail ? new MatrixError('M_UNAUTHORIZED', error.message) : error
  }
}

/** "SSO during User-Interactive Authentication": clients cannot pass it, but the browser that they open on its fallback page. */
const ssoStage: Stage = {
  async attempt(_auth, { userId }, { seenElsewhere }) {
    if (seenElsewhere === undefined) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'This is confirmed in a browser, on the fallback page of the stage.',
      )
    }
    if (seenElsewhere !== userId) throw new MatrixError('M_FORBIDDEN', 'Somebody else has signed in there.')
    return { userId }
  },
}

/** "Terms of service at registration": that the stage is submitted says that what was shown is accepted. */
const termsStage = (terms: Readonly<Record<string, PolicyDocument>>): Stage => ({
  params: () => ({
    policies: Object.fromEntries(
      Object.entries(terms).map(([id, { version, translations }]) => [id, { version, ...translations }]),
    ),
  }),
  attempt: async () => ({}),
})
