import { deviceEndpoints } from './federation/devices.ts'
import { directoryEndpoints } from './federation/directory.ts'
import { eventEndpoints } from './federation/events.ts'
import { inviteEndpoints } from './federation/invites.ts'
import { keyEndpoints } from './federation/keys.ts'
import { mediaEndpoints } from './federation/media.ts'
import { membershipEndpoints } from './federation/membership.ts'
import { policyEndpoints } from './federation/policy.ts'
import { createRequester, type Requester, type RequesterOptions } from './federation/requester.ts'
import { transactionEndpoints } from './federation/transactions.ts'

export { FederationError, type FederationFailure } from './federation/federation-error.ts'

const endpointsOf = (requester: Requester, http: RequesterOptions['http']) => ({
  ...requester,
  ...keyEndpoints(requester),
  ...membershipEndpoints(requester),
  ...inviteEndpoints(requester),
  ...transactionEndpoints(requester),
  ...eventEndpoints(requester),
  ...directoryEndpoints(requester),
  ...deviceEndpoints(requester),
  ...policyEndpoints(requester),
  ...mediaEndpoints(requester, http),
})

/**
 * Requests to other homeservers: one method per endpoint. Every method takes the destination's server name first and
 * call options (time-out, signal) last, and throws `FederationError`. What it answers has the right types and bounds,
 * but nothing in it is trusted: signatures, hashes and authorisation are judged by the caller.
 */
export type FederationClient = ReturnType<typeof endpointsOf>

/** Makes the client. */
export const createFederationClient = (options: RequesterOptions): FederationClient =>
  endpointsOf(createRequester(options), options.http)
