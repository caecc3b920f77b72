import {
  type AuthorizationRequest,
  authorizationRequest,
  type ReplyAddress,
  replyAddress,
  replyUrl,
} from '../../core/oauth/authorization-request.ts'
import type { ClientMetadata } from '../../core/oauth/client-metadata.ts'
import { OAuthError } from '../../core/oauth/errors.ts'
import { type OAuthParameters, oauthParameters } from '../../core/oauth/parameters.ts'
import { factsOf, type PageContext, type Pages } from '../pages.ts'
import { formFields, formTargetOf, goTo, sendNotice, type Visitor, visitorOf } from './browser.ts'
import { clientName, sendConsent } from './consent.ts'
import { problemOf } from './problem-words.ts'
import { askToSignIn, type SignInOptions, signInOrOut } from './sign-in.ts'

/** What the page needs of the accounts. */
export interface AuthorizeService {
  readonly clients: { find(clientId: string): Promise<AskingClient | undefined> }
  readonly codes: {
    grant(
      userId: string,
      clientId: string,
      request: AuthorizationRequest & Pick<ReplyAddress, 'redirectUri'>,
      origin: string | undefined,
    ): Promise<string | undefined>
  }
}

/** A client that asks for something. */
export interface AskingClient {
  readonly clientId: string
  readonly metadata: ClientMetadata
}

export type AuthorizeOptions = SignInOptions & {
  readonly oauth: AuthorizeService
  readonly path: string
  /** Whether a user has a device with this ID already. */
  readonly hasDevice: (userId: string, deviceId: string) => Promise<boolean>
}

/** What somebody is asked. */
interface Question {
  readonly client: AskingClient
  readonly reply: ReplyAddress
  readonly request: AuthorizationRequest
}

/**
 * Adds the authorisation endpoint (RFC 6749, 3.1): the page to which clients send people to sign in. Whoever does is asked
 * whether they want that, each time, and sent back with a code.
 */
export const addAuthorizePage = (pages: Pages, options: AuthorizeOptions): void => {
  pages.get(options.path, context => show(context, options))
  pages.post(options.path, context => act(context, options))
}

const show = async (context: PageContext, options: AuthorizeOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const question = await questionOf(context, options, visitor)
  if (question === undefined) return
  const purpose = purposeOf(question)
  const { user } = visitor
  const prompts = new URLSearchParams(context.querystring).get('prompt')?.split(' ') ?? []
  const wantsAnew = prompts.some(prompt => prompt === 'login' || prompt === 'create')
  if (user === undefined || wantsAnew) return askToSignIn(context, options, visitor, purpose)
  const { scope } = question.request
  sendConsent(context, visitor, user, {
    client: question.client,
    deviceId: scope.deviceId,
    administers: scope.administers,
    isKnownDevice: await options.hasDevice(user.userId, scope.deviceId),
    redirectUri: question.reply.redirectUri,
    formTarget: purpose.formTarget,
  })
}

const act = async (context: PageContext, options: AuthorizeOptions): Promise<void> => {
  const visitor = await visitorOf(context, options)
  const question = await questionOf(context, options, visitor)
  if (question === undefined) return
  const fields = await formFields(context, options, visitor)
  if (fields === undefined) return
  const purpose = purposeOf(question)
  if (await signInOrOut(context, options, visitor, fields, purpose)) return
  const { client, reply, request } = question
  if (fields.get('do') !== 'allow') {
    return goTo(context, replyUrl(reply, refusal('access_denied', 'The user has refused')))
  }
  const { user } = visitor
  if (user === undefined) return askToSignIn(context, options, visitor, purpose)
  try {
    factsOf(context).limit('oauth')
  } catch (error) {
    const { status, text } = problemOf(error, visitor.words)
    const { title } = visitor.words.problems
    return sendNotice(context, visitor.words, status, { title, text: [text] })
  }
  const granted = { ...request, redirectUri: reply.redirectUri }
  const code = await options.oauth.codes.grant(user.userId, client.clientId, granted, user.origin)
  if (code === undefined) return askToSignIn(context, options, visitor, purpose)
  goTo(context, replyUrl(reply, { code }))
}

const purposeOf = ({ client, reply }: Question) => ({
  client: clientName(client.metadata),
  canCancel: true,
  formTarget: formTargetOf(new URL(reply.redirectUri)),
})

const refusal = (code: OAuthError['code'], description: string): Record<string, string> =>
  new OAuthError(code, description).fields

/** What is asked. `undefined` where that is not in order, and answered: to the client where it can be trusted to be it. */
const questionOf = async (
  context: PageContext,
  { oauth }: AuthorizeOptions,
  { words }: Visitor,
): Promise<Question | undefined> => {
  const parameters = oauthParameters(new URLSearchParams(context.querystring))
  let asked: { client: AskingClient; reply: ReplyAddress }
  try {
    asked = await askedBy(parameters, oauth)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    const { problems } = words
    const text = [problems.badRequest, `${error.code}: ${error.message}`]
    sendNotice(context, words, 400, { title: problems.title, text })
    return undefined
  }
  try {
    return { ...asked, request: authorizationRequest(parameters, asked.client.metadata) }
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    goTo(context, replyUrl(asked.reply, error.fields))
    return undefined
  }
}

const askedBy = async (parameters: OAuthParameters, oauth: AuthorizeService) => {
  const client = await oauth.clients.find(parameters.need('client_id'))
  if (client === undefined) {
    throw new OAuthError('invalid_client', 'There is no client with this client_id')
  }
  return { client, reply: replyAddress(parameters, client.metadata) }
}
