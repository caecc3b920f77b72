import type { JsonObject } from '../core/json.ts'
import { serverMetadata } from './accounts/oauth/metadata.ts'

/** What of the settings is published under `/.well-known/matrix/`. */
export interface WellKnownOptions {
  readonly publicBaseUrl?: string | undefined
  readonly oauth: { readonly enabled: boolean }
  readonly rtc: { readonly livekitServiceUrls: readonly string[] }
  readonly wellKnown: {
    readonly clientExtra: Readonly<Record<string, unknown>>
    readonly federationServer?: string | undefined
    readonly policyServerKey?: string | undefined
  }
  readonly support: {
    readonly contacts: readonly {
      readonly role: string
      readonly emailAddress?: string | undefined
      readonly matrixId?: string | undefined
    }[]
    readonly page?: string | undefined
  }
}

/** What this server publishes about itself (client-server API, "Well-known URIs"). */
export interface WellKnown {
  /** How clients reach this server; `undefined` if the operator has not said. */
  readonly client: ({ readonly 'm.homeserver': { readonly base_url: string } } & JsonObject) | undefined
  /** How other servers reach it (server-server API, "Resolving server names"); `undefined` if by its name alone. */
  readonly server: { readonly 'm.server': string } | undefined
  /** The key of the policy server of this name; `undefined` if there is none. */
  readonly policyServer: { readonly public_keys: { readonly ed25519: string } } | undefined
  /** Whom to ask; `undefined` if nobody is named. */
  readonly support: JsonObject | undefined
}

/** Where calls of several people can be carried (MSC4143, MSC4195), best first. */
export const rtcTransports = ({ livekitServiceUrls }: WellKnownOptions['rtc']) =>
  livekitServiceUrls.map(url => ({ type: 'livekit', livekit_service_url: url }))

const authenticationAt = (publicBaseUrl: string) => {
  const { issuer, account_management_uri: account } = serverMetadata(publicBaseUrl.replace(/\/+$/, ''), false)
  return { issuer, account }
}

/** Puts together what is published; it does not change while the server runs. */
export const wellKnownOf = (options: WellKnownOptions): WellKnown => {
  const { publicBaseUrl, oauth, rtc, wellKnown, support } = options
  const transports = rtcTransports(rtc)
  // Read from a settings file, so that it is JSON.
  const extra = wellKnown.clientExtra as JsonObject
  // "At least one of matrix_id or email_address is required."
  const named = support.contacts.filter(
    ({ emailAddress, matrixId }) => emailAddress !== undefined || matrixId !== undefined,
  )
  const contacts = named.map(({ role, emailAddress, matrixId }) => ({
    role,
    ...(emailAddress === undefined ? {} : { email_address: emailAddress }),
    ...(matrixId === undefined ? {} : { matrix_id: matrixId }),
  }))
  // "At least one of contacts or support_page is required. If only contacts is set, it must contain at least one item."
  const isEmpty = contacts.length === 0 && support.page === undefined
  return {
    client:
      publicBaseUrl === undefined
        ? undefined
        : {
            // Where clients look that do not know the endpoint yet.
            ...(transports.length === 0 ? {} : { 'org.matrix.msc4143.rtc_foci': transports }),
            // FluffyChat finds the page with people's sessions there (MSC2965, of before version 1.15).
            ...(oauth.enabled
              ? { 'org.matrix.msc2965.authentication': authenticationAt(publicBaseUrl) }
              : {}),
            ...extra,
            'm.homeserver': { base_url: publicBaseUrl },
          },
    server: wellKnown.federationServer === undefined ? undefined : { 'm.server': wellKnown.federationServer },
    policyServer:
      wellKnown.policyServerKey === undefined
        ? undefined
        : { public_keys: { ed25519: wellKnown.policyServerKey } },
    support: isEmpty
      ? undefined
      : {
          ...(contacts.length === 0 ? {} : { contacts }),
          ...(support.page === undefined ? {} : { support_page: support.page }),
        },
  }
}
