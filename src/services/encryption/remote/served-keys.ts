import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { EncryptionContext } from '../context.ts'
import type { KeyClaim, KeyClaims } from '../key-claim.ts'
import type { LocalKeys, Viewer } from '../local-keys.ts'

/** Answers other servers about local users' devices (server-server API, "Device Management", "End-to-End Encryption"). */
export class ServedKeys {
  readonly #context: EncryptionContext
  readonly #local: LocalKeys
  readonly #claims: KeyClaims
  readonly #viewer: Viewer

  constructor(
    context: EncryptionContext,
    parts: { local: LocalKeys; claims: KeyClaims; withNames: boolean },
  ) {
    this.#context = context
    this.#local = parts.local
    this.#claims = parts.claims
    this.#viewer = { userId: '', withNames: parts.withNames }
  }

  /** `GET /user/devices/{userId}`. @throws {MatrixError} `M_NOT_FOUND` */
  async devices(userId: string): Promise<JsonObject> {
    // Read first: what changes meanwhile is told by an update that follows this.
    const { deviceLists } = this.#context.read
    const latest = this.#context.isLocal(userId) ? await deviceLists.latest(userId) : undefined
    const keys = await this.#local.query(new Map([[userId, []]]), this.#viewer)
    const devices = keys.device_keys[userId]
    if (devices === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such user.')
    const { [userId]: master } = keys.master_keys
    const { [userId]: selfSigning } = keys.self_signing_keys
    return {
      user_id: userId,
      stream_id: latest?.position ?? 0,
      devices: Object.entries(devices).map(([deviceId, { unsigned, ...keys }]) => ({
        device_id: deviceId,
        keys,
        ...(unsigned as JsonObject | undefined),
      })),
      ...(master === undefined ? {} : { master_key: master }),
      ...(selfSigning === undefined ? {} : { self_signing_key: selfSigning }),
    }
  }

  /** `POST /user/keys/query`. */
  async query(wanted: Readonly<Record<string, readonly string[]>>): Promise<JsonObject> {
    const { user_signing_keys: _, ...keys } = await this.#local.query(
      new Map(Object.entries(wanted)),
      this.#viewer,
    )
    return keys
  }

  /** `POST /user/keys/claim`. */
  async claim(claim: KeyClaim): Promise<JsonObject> {
    const wanted = Object.entries(claim).flatMap(([userId, devices]) =>
      Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, deviceId, algorithm })),
    )
    return { one_time_keys: await this.#claims.claimLocal(wanted) }
  }
}
