import { endpoint } from '../../http/endpoint.ts'
import { crossSigningKeysOf } from '../../services/encryption/cross-signing.ts'

/** What replaces keys that are there has to be confirmed; a first upload, and the same once more, has not. */
export const uploadCrossSigningKeys = endpoint(
  'uploadCrossSigningKeys',
  async ({ requester, request, body }, { accounts, encryption }) => {
    const upload = await encryption.crossSigning.check(requester.userId, crossSigningKeysOf(body))
    // "It uses the `m.oauth` authentication type if the access token was obtained via the OAuth 2.0 API."
    const isOAuth = requester.oauthClientId !== undefined
    if (upload.needsAuthentication && isOAuth) await accounts.oauth.keyResets.require(requester)
    else if (upload.needsAuthentication && !(await accounts.oauth.keyResets.use(requester)))
      await accounts.management.confirm(requester, request, body, { exceptServices: true })
    await encryption.crossSigning.store(requester.userId, upload)
    return {}
  },
)
