import {
  displaynameTooLong,
  MAX_AVATAR_URL_BYTES,
  MAX_DISPLAYNAME_LENGTH,
} from '../../core/display-profile.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes, isServerName, isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import { type ProfileContent, profileFields } from '../../storage/accounts/profile-changes.ts'
import type { StoredProfile } from '../../storage/accounts/profiles.ts'
import type { Requester } from '../requester.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { AccountsContext, DisplayProfile } from './context.ts'

/** "The total profile MUST be under 64 KiB", in bytes of JSON. */
const MAX_PROFILE_BYTES = 65_536

/** In bytes ("maximum allowed key length"). */
const MAX_KEY_BYTES = 255

/** Writes of one profile by several processes that get into each other's way are repeated this often. */
const ATTEMPTS = 10

/** Who changes their own profile. */
export type ProfileOwner = Pick<Requester, 'userId' | 'isGuest'>

const KEY = /^(avatar_url|displayname|[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+)$/

/** Profiles (client-server API, "Profiles"): display name, avatar, and any further fields since v1.16. */
export class Profiles {
  readonly #context: AccountsContext
  readonly #turns = new SerialQueue()

  constructor(context: AccountsContext) {
    this.#context = context
  }

  /**
   * A user's whole profile; a remote user's is asked for.
   * @throws {MatrixError} `M_NOT_FOUND`, `M_INVALID_PARAM`
   */
  async get(userId: string): Promise<JsonObject> {
    if (!this.#isLocal(userId)) return this.#remote(userId, undefined)
    const stored = await this.#stored(userId)
    if (stored === undefined) throw noProfile()
    return profileFields(stored)
  }

  /**
   * One field of a profile, as `{[key]: value}`.
   * @throws {MatrixError} `M_NOT_FOUND`, `M_INVALID_PARAM`
   */
  async getField(userId: string, key: string): Promise<JsonObject> {
    const profile = this.#isLocal(userId) ? await this.get(userId) : await this.#remote(userId, key)
    const value = Object.hasOwn(profile, key) ? profile[key] : undefined
    if (value === undefined) throw noProfile()
    return { [key]: value }
  }

  /** What membership events of a local user carry. */
  async memberProfile(userId: string): Promise<DisplayProfile> {
    const stored = await this.#stored(userId)
    return stored === undefined ? {} : displayOf(stored)
  }

  /**
   * Refuses what the operator keeps users from changing. Administrators may, and application services, whose users are called as
   * people elsewhere are.
   * @throws {MatrixError} `M_FORBIDDEN`
   */
  checkMayChange({ isAdmin, appServiceId }: Pick<Requester, 'isAdmin' | 'appServiceId'>, key: string): void {
    if (!this.#context.options.fixedProfileFields.includes(key) || isAdmin || appServiceId !== undefined)
      return
    throw new MatrixError('M_FORBIDDEN', `On this server people do not change their ${key} by themselves.`)
  }

  /**
   * Sets a field of the requester's profile. An empty display name or avatar removes it, as clients expect.
   *
   * @param body an object with the member `key`
   * @throws {MatrixError} `M_MISSING_PARAM`, `M_INVALID_PARAM`, `M_BAD_JSON`, `M_KEY_TOO_LARGE`,
   *   `M_PROFILE_TOO_LARGE`, `M_NOT_FOUND`; `M_GUEST_ACCESS_FORBIDDEN`
   */
  async setField(requester: ProfileOwner, key: string, body: JsonObject): Promise<void> {
    checkKey(key)
    refuseGuest(requester, key)
    const value = Object.hasOwn(body, key) ? body[key] : undefined
    if (value === undefined) throw new MatrixError('M_MISSING_PARAM', `The body lacks ${key}.`)
    const isCleared = value === '' && (key === 'displayname' || key === 'avatar_url')
    if (!isCleared) checkProfileValue(key, value)
    await this.#change(requester.userId, key, isCleared ? undefined : value)
  }

  /**
   * Removes a field; one that is not there is no error.
   * @throws {MatrixError} `M_INVALID_PARAM`, `M_KEY_TOO_LARGE`, `M_NOT_FOUND`; `M_GUEST_ACCESS_FORBIDDEN`
   */
  async deleteField(requester: ProfileOwner, key: string): Promise<void> {
    checkKey(key)
    refuseGuest(requester, key)
    await this.#change(requester.userId, key, undefined)
  }

  /** The profile of a local user, whom an application service may have to make first. */
  async #stored(userId: string): Promise<StoredProfile | undefined> {
    const { read, hooks } = this.#context
    const stored = await read.profiles.byUser(userId)
    if (stored !== undefined || !(await hooks.makeUser?.(userId))) return stored
    return read.profiles.byUser(userId)
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#context.options.serverName
  }

  async #remote(userId: string, key: string | undefined): Promise<JsonObject> {
    if (!isUserId(userId)) throw new MatrixError('M_INVALID_PARAM', 'This is no user ID.')
    const ask = this.#context.hooks.remoteProfile
    if (ask === undefined) throw noProfile()
    return ask(userId, key)
  }

  async #change(userId: string, key: string, value: JsonValue | undefined): Promise<void> {
    const after = await this.#turns.run(userId, () => this.#store(userId, key, value))
    if (after === undefined || (key !== 'displayname' && key !== 'avatar_url')) return
    const { hooks, onError } = this.#context
    // The change stands, whatever becomes of telling the rooms.
    await hooks.onProfileChange?.(userId, displayOf(after)).catch(onError)
  }

  /** Answers the changed profile; nothing if it is what it was. */
  async #store(
    userId: string,
    key: string,
    value: JsonValue | undefined,
  ): Promise<StoredProfile | undefined> {
    const { read, write } = this.#context
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await read.profiles.byUser(userId)
      if (before === undefined) throw noProfile()
      const after = withField(before, key, value)
      if (JSON.stringify(profileFields(before)) === JSON.stringify(profileFields(after))) return undefined
      if (value !== undefined && !fitsBytes(JSON.stringify(profileFields(after)), MAX_PROFILE_BYTES - 1)) {
        throw new MatrixError('M_PROFILE_TOO_LARGE', 'A profile must stay under 64 KiB.')
      }
      const result = await this.#context.commit([write.profiles.update(userId, before, after)])
      if (result.ok) return after
    }
    throw new MatrixError('M_LIMIT_EXCEEDED', 'The profile is being changed too fast.', {
      fields: { retry_after_ms: 1000 },
    })
  }
}

const noProfile = (): MatrixError => new MatrixError('M_NOT_FOUND', 'There is no such profile or field.')

/** "Guest users may only modify their display name" (guest_access.md). */
const refuseGuest = ({ isGuest }: ProfileOwner, key: string): void => {
  if (isGuest && key !== 'displayname') {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests can only change their display name.')
  }
}

const checkKey = (key: string): void => {
  if (!fitsBytes(key, MAX_KEY_BYTES)) throw new MatrixError('M_KEY_TOO_LARGE', 'A key has at most 255 bytes.')
  if (!KEY.test(key)) throw new MatrixError('M_INVALID_PARAM', 'This is no key of a profile field.')
}

/** Refuses what a field of a profile cannot be. @throws {MatrixError} `M_BAD_JSON`, `M_INVALID_PARAM` */
export const checkProfileValue = (key: string, value: JsonValue): void => {
  if (key !== 'displayname' && key !== 'avatar_url' && key !== 'm.tz') return
  if (typeof value !== 'string' || !value.isWellFormed()) {
    throw new MatrixError('M_BAD_JSON', `${key} must be a well-formed string.`)
  }
  if (key === 'displayname' && [...value].length > MAX_DISPLAYNAME_LENGTH) throw displaynameTooLong()
  if (key === 'avatar_url' && !isMxcUri(value)) {
    throw new MatrixError('M_INVALID_PARAM', 'avatar_url must be an mxc:// URI.')
  }
}

const isMxcUri = (uri: string): boolean => {
  const [, serverName] = /^mxc:\/\/([^/]+)\/[A-Za-z0-9._~-]+$/.exec(uri) ?? []
  return serverName !== undefined && isServerName(serverName) && fitsBytes(uri, MAX_AVATAR_URL_BYTES)
}

const displayOf = ({ displayname, avatarUrl }: ProfileContent): DisplayProfile => ({
  ...(displayname === undefined ? {} : { displayname }),
  ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
})

const withField = (profile: StoredProfile, key: string, value: JsonValue | undefined): StoredProfile => {
  if (key === 'displayname') return { ...profile, displayname: value as string | undefined }
  if (key === 'avatar_url') return { ...profile, avatarUrl: value as string | undefined }
  const { [key]: _, ...rest } = profile.fields
  return { ...profile, fields: value === undefined ? rest : { ...rest, [key]: value } }
}
