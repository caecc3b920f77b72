import { boundedCache } from '../../core/caches.ts'
import type { CommitResult, WriteStatement } from '../../storage/database.ts'
import type { KeysLeft } from '../../storage/encryption/keys-left.ts'
import type { OneTimeKeyReader } from '../../storage/encryption/one-time-keys.ts'
import type { Requester } from '../requester.ts'
import type { EncryptionContext } from './context.ts'

/** A device, as keys are uploaded to it and claimed from it. */
interface Device {
  readonly userId: string
  readonly deviceId: string
}

/** As much of the context as this takes. */
type KeysContext = Pick<EncryptionContext, 'bulletin' | 'commit'> & {
  readonly read: { readonly oneTimeKeys: Pick<OneTimeKeyReader, 'left'> }
}

interface Known {
  /** Of another token it may be another device, which has the ID of one that was removed. */
  readonly tokenId: string
  readonly left: KeysLeft
}

/**
 * What is left of devices' keys, in memory: every response of `/sync` tells it, and it changes only when keys are uploaded, claimed or
 * used. All of that is committed by way of this.
 */
export class KnownKeysLeft {
  readonly #context: KeysContext
  readonly #known = boundedCache<string, Known>('keys_left')
  /** Raised by every change: what was read meanwhile may be old. */
  #edition = 0

  constructor(context: KeysContext) {
    this.#context = context
    context.bulletin?.on('keys left', names => {
      if (Array.isArray(names)) this.#forget(names.map(String))
    })
    context.bulletin?.onGap(() => {
      this.#edition += 1
      this.#known.clear()
    })
  }

  /** What is left of the keys of the device that asks; `undefined` for an application service without one. */
  of(requester: Requester): KeysLeft | undefined | Promise<KeysLeft> {
    const { userId, deviceId, tokenId, appServiceId } = requester
    if (deviceId === undefined) return undefined
    // Its devices come and go under one token.
    if (appServiceId !== undefined) return this.read({ userId, deviceId })
    const known = this.#known.get(nameOf({ userId, deviceId }))
    return known?.tokenId === tokenId ? known.left : this.#learn({ userId, deviceId }, tokenId)
  }

  /** The same of any device, as the database has it; `signed_curve25519`, which clients look for, is counted also when there are none. */
  async read({ userId, deviceId }: Device): Promise<KeysLeft> {
    const { counts, unusedFallbackTypes } = await this.#context.read.oneTimeKeys.left(userId, deviceId)
    return { counts: { signed_curve25519: 0, ...counts }, unusedFallbackTypes }
  }

  /** Commits what changes keys of these devices, so that no process tells any more what was left before. */
  async commit(devices: readonly Device[], statements: readonly WriteStatement[]): Promise<CommitResult> {
    const { bulletin, commit } = this.#context
    const names = [...new Set(devices.map(nameOf))]
    const isNothing = statements.every(({ rows }) => rows.length === 0)
    try {
      const told = isNothing ? [] : (bulletin?.posted('keys left', names) ?? [])
      return await commit([...statements, ...told])
    } finally {
      this.#forget(names)
    }
  }

  async #learn(device: Device, tokenId: string): Promise<KeysLeft> {
    const edition = this.#edition
    const left = await this.read(device)
    if (edition === this.#edition) this.#known.set(nameOf(device), { tokenId, left })
    return left
  }

  #forget(names: readonly string[]): void {
    this.#edition += 1
    for (const name of names) this.#known.delete(name)
  }
}

const nameOf = ({ userId, deviceId }: Device): string => `${userId.length} ${userId}${deviceId}`
