import { canonicalJson } from '../core/canonical-json.ts'
import { isServerName } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { JsonParseError, parseJson } from '../core/parse-json.ts'
import type { SigningKey } from '../core/signing.ts'
import type { HttpClient, OutboundResponse } from './http-client.ts'
import {
  type AskIdentityServer,
  type InvitedAddress,
  lookUpUser,
  type StoredInvite,
  storeInvite,
} from './identity-invites.ts'
import { OutboundError } from './outbound-error.ts'
import { type AddressLists, type Outgoing, openHttpClient } from './outgoing.ts'
import { targetOfUrl } from './redirects.ts'
import { authorizationHeader } from './request-signature.ts'

/** The way to identity servers (Identity Service API), which users name. */
export interface IdentityServers {
  /**
   * Has an identity server publish that a validated identifier is a user's (`POST /3pid/bind`).
   *
   * @param idServer `host` or `host:port`
   * @param request.accessToken the user's, of that identity server
   * @returns the identifier
   * @throws {OutboundError} where no complete answer came; `IdentityServerError` for any other than success
   */
  bind(
    idServer: string,
    request: { accessToken: string; sid: string; clientSecret: string; userId: string },
  ): Promise<{ medium: string; address: string }>
  /**
   * Has an identity server forget that an identifier is a user's, in the name of this server (`POST /3pid/unbind`).
   *
   * @throws as `bind`
   */
  unbind(idServer: string, request: { medium: string; address: string; userId: string }): Promise<void>
  /**
   * Asks whose address it is (`POST /lookup`); `undefined` if it is nobody's.
   *
   * @throws as `bind`
   */
  lookUp(idServer: string, address: InvitedAddress): Promise<string | undefined>
  /**
   * Has an invitation wait for whoever shows that the address is theirs (`POST /store-invite`).
   *
   * @param about what the message to them may tell: `room_id` and `sender`, and what is known of both
   * @throws as `bind`
   */
  storeInvite(idServer: string, address: InvitedAddress, about: JsonObject): Promise<StoredInvite>
  /**
   * Whether a key with which an invitation was signed still counts (`GET /pubkey/isvalid`), asked where the invitation says.
   *
   * @throws as `bind`
   */
  isKeyValid(validityUrl: string, publicKey: string): Promise<boolean>
  close(): Promise<void>
}

/** An identity server did not do what it was asked for. */
export class IdentityServerError extends Error {
  override readonly name = 'IdentityServerError'
  readonly status: number
  /** Its answer, if that is a Matrix error. */
  readonly body: (JsonObject & { readonly errcode: string }) | undefined

  constructor(status: number, body: JsonObject | undefined) {
    super(`the identity server answered ${status}`)
    this.status = status
    this.body =
      typeof body?.['errcode'] === 'string' ? { ...body, errcode: body['errcode'].slice(0, 100) } : undefined
  }
}

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024
const PATH = '/_matrix/identity/v2/3pid'

/** Speaks to identity servers over a client whose address policy keeps them away from what is inside. */
export const identityServers = (
  http: Pick<HttpClient, 'request' | 'close'>,
  self: { serverName: string; signingKey: SigningKey },
): IdentityServers => {
  const ask = async (
    idServer: string,
    path: string,
    { body, authorization }: { body?: JsonObject; authorization: string },
  ) => {
    refuseOtherNames(idServer)
    const response = await http.request({
      target: targetOfUrl(new URL(`https://${idServer}`)),
      path,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      ...(body === undefined
        ? { method: 'GET', headers: { authorization } }
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization },
            body: JSON.stringify(body),
          }),
    })
    const answer = bodyOf(response)
    if (response.status !== 200) throw new IdentityServerError(response.status, answer)
    return answer
  }
  /** In the name of a user, whose token it is. */
  const askAs =
    (idServer: string, accessToken: string): AskIdentityServer =>
    async (path, body) => {
      const authorization = `Bearer ${accessToken}`
      return (await ask(idServer, path, { authorization, ...(body === undefined ? {} : { body }) })) ?? {}
    }
  return {
    bind: async (idServer, { accessToken, sid, clientSecret, userId }) => {
      const body = { sid, client_secret: clientSecret, mxid: userId }
      const { medium, address } = await askAs(idServer, accessToken)(`${PATH}/bind`, body)
      if (typeof medium !== 'string' || typeof address !== 'string')
        throw new IdentityServerError(200, undefined)
      return { medium: medium.slice(0, 255), address: address.slice(0, 500) }
    },
    unbind: async (idServer, { medium, address, userId }) => {
      refuseOtherNames(idServer)
      const path = `${PATH}/unbind`
      const body = { mxid: userId, threepid: { medium, address } }
      // "The request is signed by the homeserver which controls the `user_id`."
      const parts = { method: 'POST', uri: path, origin: self.serverName, destination: idServer }
      const authorization = authorizationHeader(parts, self.signingKey, canonicalJson(body))
      await ask(idServer, path, { body, authorization })
    },
    lookUp: async (idServer, address) => {
      const look = () => lookUpUser(askAs(idServer, address.accessToken), address)
      // "Clients SHOULD make a call to `/hash_details` to get a new pepper in this scenario, being careful to avoid retry loops."
      return look().catch(error => {
        const isRotated = error instanceof IdentityServerError && error.body?.errcode === 'M_INVALID_PEPPER'
        if (!isRotated) throw error
        return look()
      })
    },
    storeInvite: async (idServer, address, about) => {
      const stored = await storeInvite(askAs(idServer, address.accessToken), address, about)
      if (stored === undefined) throw new IdentityServerError(200, undefined)
      return stored
    },
    isKeyValid: async (validityUrl, publicKey) => {
      const url = URL.parse(validityUrl)
      if (url === null || !['http:', 'https:'].includes(url.protocol)) {
        throw new OutboundError('denied', 'that is no address of an identity server')
      }
      url.searchParams.set('public_key', publicKey)
      const path = `${url.pathname}${url.search}`
      const target = targetOfUrl(url)
      const response = await http.request({
        method: 'GET',
        target,
        path,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
      })
      const answer = bodyOf(response)
      if (response.status !== 200) throw new IdentityServerError(response.status, answer)
      return answer?.['valid'] === true
    },
    close: () => http.close(),
  }
}

/**
 * "The hostname of the identity server to communicate with. May optionally include a port": nothing else gets into a URL. Some server
 * names are none of machines, such as `1234567890`.
 */
const refuseOtherNames = (idServer: string): void => {
  if (!isServerName(idServer) || !URL.canParse(`https://${idServer}`))
    throw new OutboundError('denied', 'that is no name of an identity server')
}

const bodyOf = ({ body }: OutboundResponse): JsonObject | undefined => {
  try {
    const value = parseJson(body.toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof JsonParseError) return undefined
    throw error
  }
}

/** Opens the way with the operator's rules for outgoing connections. */
export const openIdentityServers = (
  parts: Outgoing & AddressLists & { serverName: string; signingKey: SigningKey },
): IdentityServers => identityServers(openHttpClient(parts), parts)
