import { isJsonObject, type JsonObject, ownMember } from '../../core/json.ts'
import { POLICY_KEY_ID } from '../../core/policy-server.ts'
import type { CallOptions, Requester } from './requester.ts'
import { asObject, ShapeError } from './shape.ts'

const MAX_BYTES = 64 * 1024

/** Server-server API, "Asking for a Policy Server signature on an event". */
export const policyEndpoints = ({ request }: Requester) => ({
  /** Asks a policy server to sign an event; answers the signature, which is not verified. */
  askPolicyServer: (destination: string, event: JsonObject, options: CallOptions = {}): Promise<string> =>
    request({
      timeoutMs: 10_000,
      ...options,
      destination,
      method: 'POST',
      path: '/_matrix/policy/v1/sign',
      body: event,
      maxBytes: MAX_BYTES,
      parse: body => {
        const own = ownMember(asObject(body), destination)
        const signature = isJsonObject(own) ? ownMember(own, POLICY_KEY_ID) : undefined
        if (typeof signature !== 'string') throw new ShapeError(`there is no ${POLICY_KEY_ID}`)
        return signature
      },
    }),
})
