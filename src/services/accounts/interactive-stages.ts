import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { InteractiveSession } from '../../storage/accounts/interactive-sessions.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { AccountsContext } from './context.ts'
import type { Login } from './login.ts'
import type { PolicyDocument } from './options.ts'
import { namedUser } from './usernames.ts'

/** A stage was passed. */
export interface StagePassed {
  /** Whom the stage has identified. */
  readonly userId?: string
  /** What has to be stored together with the passing. */
  readonly statements?: readonly WriteStatement[]
}

/** One type of authentication ("Authentication types"). */
export interface Stage {
  /** What the client has to know to use it. */
  params?(): JsonObject | undefined
  /** @throws {MatrixError} with the `errcode` that the client is shown, when the attempt has failed */
  attempt(auth: JsonObject, session: InteractiveSession): Promise<StagePassed>
}

/** The stages that are offered anywhere, by type. */
export const interactiveStages = (context: AccountsContext, login: Login): Map<string, Stage> => {
  const stages = new Map<string, Stage>([
    ['m.login.dummy', { attempt: async () => ({}) }],
    ['m.login.password', passwordStage(login)],
    ['m.login.registration_token', registrationTokenStage(context)],
  ])
  const { terms } = context.options.registration
  if (terms !== undefined) stages.set('m.login.terms', termsStage(terms))
  return stages
}

/** "Password-based": of the user whose access token it is; without one, of the user who is named. */
const passwordStage = (login: Login): Stage => ({
  async attempt(auth, session) {
    const named = namedUser(auth)
    if (typeof auth.password !== 'string' || (named === undefined && session.userId === undefined)) {
      throw new MatrixError('M_MISSING_PARAM', 'A user and a password are needed.')
    }
    const name = named === 'third-party' ? undefined : (named ?? session.userId)
    const user = await login.verify(name, auth.password)
    if (session.userId !== undefined && session.userId !== user.userId) {
      throw new MatrixError('M_FORBIDDEN', 'This is the password of somebody else.')
    }
    return { userId: user.userId }
  },
})

/** "Token-authenticated registration": the session reserves a use of the token, until it expires or has made an account. */
const registrationTokenStage = ({ clock, write }: AccountsContext): Stage => ({
  async attempt(auth, session) {
    if (typeof auth.token !== 'string')
      throw new MatrixError('M_MISSING_PARAM', 'A registration token is needed.')
    return { statements: write.registrationTokens.reserve(auth.token, session.sessionId, clock.now()) }
  },
})

/** "Terms of service at registration": that the stage is submitted says that what was shown is accepted. */
const termsStage = (terms: Readonly<Record<string, PolicyDocument>>): Stage => ({
  params: () => ({
    policies: Object.fromEntries(
      Object.entries(terms).map(([id, { version, translations }]) => [id, { version, ...translations }]),
    ),
  }),
  attempt: async () => ({}),
})
