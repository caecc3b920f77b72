import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { EncryptionContext } from './context.ts'
import type { KeysOfUsers, LocalKeys } from './local-keys.ts'
import type { RemoteDevices } from './remote/remote-devices.ts'

/** The body of a response to `/keys/query`. */
export interface QueryResponse extends KeysOfUsers {
  readonly failures: JsonObject
}

/** Answers whose keys are which (client-server API, `/keys/query`). */
export class KeyQueries {
  readonly #context: EncryptionContext
  readonly #local: LocalKeys
  readonly #remote: RemoteDevices

  constructor(context: EncryptionContext, local: LocalKeys, remote: RemoteDevices) {
    this.#context = context
    this.#local = local
    this.#remote = remote
  }

  /**
   * Keys of local and remote users with the signatures that the viewer may see; servers that do not answer are named.
   * @param wanted user ID → device IDs, or an empty list for all
   */
  async query(
    viewer: string,
    wanted: Readonly<Record<string, readonly string[]>>,
    timeoutMs: number | undefined,
  ): Promise<QueryResponse> {
    const isLocal = ([userId]: readonly [string, unknown]): boolean =>
      serverNameOf(userId) === this.#context.serverName
    const entries = Object.entries(wanted)
    const [local, remote] = await Promise.all([
      this.#local.query(new Map(entries.filter(isLocal)), { userId: viewer, withNames: true }),
      this.#remote.query(new Map(entries.filter(entry => !isLocal(entry))), viewer, timeoutMs),
    ])
    return {
      failures: remote.failures,
      device_keys: { ...local.device_keys, ...remote.device_keys },
      master_keys: { ...local.master_keys, ...remote.master_keys },
      self_signing_keys: { ...local.self_signing_keys, ...remote.self_signing_keys },
      user_signing_keys: local.user_signing_keys,
    }
  }
}
