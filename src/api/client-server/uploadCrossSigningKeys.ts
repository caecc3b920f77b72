import { endpoint } from '../../http/endpoint.ts'
import { crossSigningKeysOf } from '../../services/encryption/cross-signing.ts'

/** What replaces keys that are there has to be confirmed; a first upload, and the same once more, has not. */
export const uploadCrossSigningKeys = endpoint(
  'uploadCrossSigningKeys',
  async ({ requester, request, body }, { accounts, encryption }) => {
    const upload = await encryption.crossSigning.check(requester.userId, crossSigningKeysOf(body))
    if (upload.needsAuthentication) await accounts.management.confirm(requester, request, body)
    await encryption.crossSigning.store(requester.userId, upload)
    return {}
  },
)
