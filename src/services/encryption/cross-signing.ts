import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import { verifyJson } from '../../core/signing.ts'
import type { WriteStatement } from '../../storage/database.ts'
import type { CrossSigningKeyRow, KeyUsage } from '../../storage/encryption/cross-signing-keys.ts'
import type { EncryptionContext } from './context.ts'
import { MAX_CROSS_SIGNING_KEY, publicKeyOf } from './cross-signing-key.ts'
import { keyText } from './uploaded-keys.ts'

/** The keys of a request to `/keys/device_signing/upload`, checked. */
export interface CrossSigningUpload {
  readonly keys: readonly CrossSigningKeyRow[]
  /** What the user has now. */
  readonly known: readonly CrossSigningKeyRow[]
  /** Whether the user has to authenticate once more: something that is there would be replaced. */
  readonly needsAuthentication: boolean
}

/** The body of an upload, by usage. */
export const crossSigningKeysOf = (body: {
  readonly master_key?: unknown
  readonly self_signing_key?: unknown
  readonly user_signing_key?: unknown
}): Readonly<Partial<Record<KeyUsage, JsonObject | undefined>>> => ({
  master: body.master_key as JsonObject | undefined,
  self_signing: body.self_signing_key as JsonObject | undefined,
  user_signing: body.user_signing_key as JsonObject | undefined,
})

/** Users' cross-signing keys (module "End-to-End Encryption", "Cross-signing"). */
export class CrossSigning {
  readonly #context: EncryptionContext

  constructor(context: EncryptionContext) {
    this.#context = context
  }

  /**
   * Checks an upload: what may be stored, and whether it needs user-interactive authentication.
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_INVALID_SIGNATURE`, `M_MISSING_PARAM` without a master key,
   *   `M_FORBIDDEN` where a key is the ID of a device; as `keyText`
   */
  async check(
    userId: string,
    uploaded: Readonly<Partial<Record<KeyUsage, JsonObject | undefined>>>,
  ): Promise<CrossSigningUpload> {
    const { read } = this.#context
    const known = await read.crossSigningKeys.ofUsers([userId])
    const keys = (['master', 'self_signing', 'user_signing'] as const).flatMap(usage => {
      const key = uploaded[usage]
      return key === undefined ? [] : [keyRow(userId, usage, key)]
    })
    const knownMaster = masterOf(known)
    const master = masterOf(keys) ?? knownMaster
    if (master === undefined) {
      throw new MatrixError('M_MISSING_PARAM', 'There is no master signing key.')
    }
    for (const { usage, json } of keys) {
      if (usage === 'master') continue
      const key = parseJson(json) as JsonObject
      if (!verifyJson(key, userId, `ed25519:${master.publicKey}`, master.publicKey)) {
        throw new MatrixError('M_INVALID_SIGNATURE', `The master key has not signed the ${usage} key.`)
      }
    }
    await this.#refuseDeviceIds(userId, keys)
    const isKnown = keys.every(key =>
      known.some(({ usage, publicKey }) => usage === key.usage && publicKey === key.publicKey),
    )
    return { keys, known, needsAuthentication: knownMaster !== undefined && !isKnown }
  }

  /**
   * Stores what was checked. With another master key, keys that the former one has signed go.
   * @throws {MatrixError} `M_FORBIDDEN` where somebody else was first to upload an identity
   */
  async store(userId: string, { keys, known }: CrossSigningUpload): Promise<void> {
    const { write, clock } = this.#context
    const isThere = (key: CrossSigningKeyRow, among: readonly CrossSigningKeyRow[]): boolean =>
      among.some(({ usage, publicKey }) => usage === key.usage && publicKey === key.publicKey)
    const isNewIdentity = keys.some(key => key.usage === 'master' && !isThere(key, known))
    // Keys that stay under a new master key are signed by it now.
    const changed = isNewIdentity ? keys : keys.filter(key => !isThere(key, known))
    if (changed.length === 0) return
    const isReplaced = (row: CrossSigningKeyRow): boolean => changed.some(({ usage }) => usage === row.usage)
    const gone = known.filter(row => (isReplaced(row) || isNewIdentity) && !isThere(row, changed))
    const dropped = gone.filter(row => !isReplaced(row)).map(row => row.usage)
    const goneKeys = gone.map(row => row.publicKey)
    const statements: WriteStatement[] = [
      ...(known.length === 0
        ? write.crossSigningKeys.setFirst(changed)
        : write.crossSigningKeys.set(changed)),
      ...write.crossSigningKeys.drop(userId, dropped),
      ...write.signatures.dropTargets(userId, goneKeys),
      ...write.signatures.dropSigners(userId, goneKeys),
      write.deviceLists.insert(userId, [''], clock.now()),
    ]
    const result = await this.#context.commit(statements)
    if (result.ok) return
    // "Allowing clients to upload the same set of keys more than once": also before the first answer is there.
    const others = await this.#context.read.crossSigningKeys.ofUsers([userId])
    if (!keys.every(key => isThere(key, others)))
      throw new MatrixError('M_FORBIDDEN', 'Other keys were uploaded at the same time.')
  }

  /** Whether a user has an identity. */
  async hasMaster(userId: string): Promise<boolean> {
    return masterOf(await this.#context.read.crossSigningKeys.ofUsers([userId])) !== undefined
  }

  /** Whether an ID is that of one of a user's keys. */
  async isKey(userId: string, id: string): Promise<boolean> {
    const known = await this.#context.read.crossSigningKeys.ofUsers([userId])
    return known.some(key => key.publicKey === id)
  }

  /** "Servers must ensure that device IDs will not collide with cross-signing public keys." */
  async #refuseDeviceIds(userId: string, keys: readonly CrossSigningKeyRow[]): Promise<void> {
    for (const { publicKey } of keys) {
      if (await this.#context.hasDevice(userId, publicKey)) {
        throw new MatrixError('M_FORBIDDEN', 'A key is named like one of your devices.')
      }
    }
  }
}

const masterOf = (rows: readonly CrossSigningKeyRow[]): CrossSigningKeyRow | undefined =>
  rows.find(row => row.usage === 'master')

const keyRow = (userId: string, usage: KeyUsage, key: JsonObject): CrossSigningKeyRow => {
  const { unsigned: _, ...signed } = key
  const publicKey = publicKeyOf(signed, userId, usage)
  if (publicKey === undefined) {
    throw new MatrixError('M_INVALID_PARAM', `This is no ${usage} key of yours.`)
  }
  return { userId, usage, publicKey, json: keyText(signed, MAX_CROSS_SIGNING_KEY) }
}
