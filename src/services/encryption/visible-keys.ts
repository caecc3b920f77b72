import { isJsonObject, type JsonObject, ownMember } from '../../core/json.ts'
import type { KeySignature } from '../../storage/encryption/key-signatures.ts'

/** Signatures by user and key of what they are over. */
export class SignatureIndex {
  readonly #byTarget: ReadonlyMap<string, readonly KeySignature[]>

  constructor(signatures: readonly KeySignature[]) {
    this.#byTarget = Map.groupBy(signatures, each => `${each.targetUser} ${each.targetKey}`)
  }

  /**
   * A key with the signatures that one may see: the owner's and one's own. "Users will not be able to see signatures
   * made by other users' user-signing keys."
   *
   * @param key as it was uploaded
   * @param viewer a user ID, or the empty string for other servers
   */
  merged(key: JsonObject, owner: string, keyId: string, viewer: string): JsonObject {
    const uploaded = isJsonObject(key['signatures']) ? key['signatures'] : {}
    const signatures: Record<string, Record<string, string>> = {}
    for (const signer of new Set([owner, viewer])) {
      const ofSigner = ownMember(uploaded, signer)
      if (signer !== '' && isJsonObject(ofSigner))
        signatures[signer] = { ...ofSigner } as Record<string, string>
    }
    for (const { signerUser, signerKey, signature } of this.#byTarget.get(`${owner} ${keyId}`) ?? []) {
      if (signerUser !== owner && signerUser !== viewer) continue
      signatures[signerUser] = { ...signatures[signerUser], [signerKey]: signature }
    }
    return Object.keys(signatures).length === 0 && key['signatures'] === undefined
      ? key
      : { ...key, signatures }
  }
}
