import { parseJson } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { canonicalEmail } from '../../core/email-address.ts'
import { MatrixError } from '../../core/errors.ts'
import { fitsBytes } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { ThirdPartyIdReader } from '../../storage/accounts/third-party-ids.ts'
import type { Database } from '../../storage/database.ts'
import { PusherReader, type PusherRow, PusherWriter } from '../../storage/push/pushers.ts'
import type { Requester } from '../requester.ts'
import { EMAIL_APP_ID } from './digest-mailing.ts'
import { DISABLE_BADGE_COUNT } from './push-message.ts'

/** A pusher as a client gives it; without a kind it is to be removed. */
export interface GivenPusher {
  readonly app_id: string
  readonly pushkey: string
  readonly kind: string | null
  readonly app_display_name?: string
  readonly device_display_name?: string
  readonly profile_tag?: string
  readonly lang?: string
  readonly data?: JsonObject
  readonly append?: boolean
  /** MSC4076, which has it here; clients have it in `data` as well. */
  readonly [DISABLE_BADGE_COUNT]?: boolean
}

/** A pusher as clients see it. */
export type ListedPusher = {
  readonly app_id: string
  readonly pushkey: string
  readonly kind: string
  readonly app_display_name: string
  readonly device_display_name: string
  readonly profile_tag?: string
  readonly lang: string
  readonly data: { readonly url?: string; readonly format?: string }
}

const MAX_KEY_BYTES = 512
const MAX_APP_ID_CHARACTERS = 64
const MAX_DATA_BYTES = 16 * 1024
/** Of one user. */
const MAX_PUSHERS = 200
const GATEWAY_PATH = '/_matrix/push/v1/notify'

/** Where local users want their notifications sent (module "Push Notifications"). */
export class Pushers {
  readonly #db: Database
  readonly #clock: Clock
  readonly #read: PusherReader
  readonly #write: PusherWriter
  readonly #changed: (userId: string) => Promise<void>
  readonly #owners: ThirdPartyIdReader
  readonly #canMail: boolean

  /**
   * @param parts.changed called after a user's pushers have changed
   * @param parts.canMail whether there is a mail server for pushers of the kind `email`
   */
  constructor(parts: {
    db: Database
    clock: Clock
    changed: (userId: string) => Promise<void>
    canMail?: boolean
  }) {
    this.#owners = new ThirdPartyIdReader(parts.db)
    this.#canMail = parts.canMail ?? false
    this.#db = parts.db
    this.#clock = parts.clock
    this.#read = new PusherReader(parts.db)
    this.#write = new PusherWriter(parts.db)
    this.#changed = parts.changed
  }

  /** A user's pushers. */
  async list(userId: string): Promise<ListedPusher[]> {
    return (await this.#read.ofUser(userId)).map(listed)
  }

  /** A user's pushers, with the devices that set them. */
  async ofDevices(userId: string): Promise<(ListedPusher & { device_id: string | null })[]> {
    const rows = await this.#read.ofUser(userId)
    return rows.map(row => ({ ...listed(row), device_id: row.deviceId ?? null }))
  }

  /** The languages (tags) in which a user's clients want to be pushed to: of e-mails before others, newest first. */
  async languagesOf(userId: string): Promise<string[]> {
    const rows = await this.#read.ofUser(userId)
    const isMail = ({ kind }: PusherRow): number => (kind === 'email' ? 1 : 0)
    return rows.toSorted((a, b) => isMail(b) - isMail(a) || b.updatedTs - a.updatedTs).map(row => row.lang)
  }

  /**
   * Sets or removes a pusher. Throws `M_MISSING_PARAM`, `M_INVALID_PARAM`, `M_USER_LIMIT_EXCEEDED`, `M_FORBIDDEN` for who acts
   * without a device, and `M_THREEPID_NOT_FOUND` for an e-mail address that is not one of the user's own.
   */
  async set({ userId, deviceId, appServiceId }: Requester, given: GivenPusher): Promise<void> {
    const isMail = given.kind === 'email'
    // Nothing would ever end it: an administrator who acts as the user would read along for ever.
    if (given.kind === 'http' && deviceId === undefined && appServiceId === undefined)
      throw new MatrixError('M_FORBIDDEN', 'A pusher goes with a device, and this token has none')
    const pushkey = isMail ? await this.#ownAddress(userId, given) : storedKey(given)
    const key = { userId, appId: given.app_id, pushkey }
    if (given.kind === null) {
      await this.#db.commit({ statements: [this.#write.remove(key)] })
      return this.#changed(userId)
    }
    const present = await this.#read.ofUser(userId)
    const isNew = !present.some(row => row.appId === key.appId && row.pushkey === key.pushkey)
    if (isNew && present.length >= MAX_PUSHERS) {
      throw new MatrixError('M_USER_LIMIT_EXCEEDED', 'You have too many pushers')
    }
    // "Otherwise, the homeserver must remove any other pushers with the same App ID and pushkey for different users."
    const others = given.append === true ? [] : await this.#read.usersOf(key.appId, key.pushkey)
    const row: PusherRow = {
      ...key,
      ...described(given),
      // Whoever is written to is so because they have no device at hand: it does not go with one.
      deviceId: isMail ? undefined : deviceId,
      updatedTs: this.#clock.now(),
      eventPosition: this.#db.position('events'),
      invitePosition: this.#db.position('invites'),
    }
    await this.#db.commit({
      statements: [this.#write.set(row), ...(given.append === true ? [] : [this.#write.removeOthers(key)])],
    })
    for (const user of new Set([...others, userId])) await this.#changed(user)
  }

  /** Only whoever has shown that an address is theirs is written to. */
  async #ownAddress(userId: string, { app_id: appId, pushkey }: GivenPusher): Promise<string> {
    if (!this.#canMail) throw invalid('This server sends no e-mail')
    if (appId !== EMAIL_APP_ID) throw invalid(`The app_id of an e-mail pusher is ${EMAIL_APP_ID}`)
    const address = canonicalEmail(pushkey)
    const owner = address && (await this.#owners.owner({ medium: 'email', address }))
    if (address === undefined || owner !== userId) {
      throw new MatrixError('M_THREEPID_NOT_FOUND', 'This address was not added to your account', {
        status: 400,
      })
    }
    return address
  }
}

/** E-mail addresses are kept in one spelling, by which they are also removed. */
const storedKey = ({ app_id: appId, pushkey }: GivenPusher): string =>
  appId === EMAIL_APP_ID ? (canonicalEmail(pushkey) ?? pushkey) : pushkey

const invalid = (message: string): MatrixError => new MatrixError('M_INVALID_PARAM', message)

/** What a pusher that is to be set has to say about itself. */
const described = (
  given: GivenPusher,
): Pick<PusherRow, 'kind' | 'appDisplayName' | 'deviceDisplayName' | 'profileTag' | 'lang' | 'data'> => {
  const { kind, data, lang, app_display_name, device_display_name } = given
  if (kind !== 'http' && kind !== 'email')
    throw invalid('This server has pushers of the kinds http and email only')
  if (
    data === undefined ||
    lang === undefined ||
    app_display_name === undefined ||
    device_display_name === undefined
  ) {
    const needed = ['data', 'lang', 'app_display_name', 'device_display_name'] as const
    const missing = needed.filter(name => given[name] === undefined)
    throw new MatrixError('M_MISSING_PARAM', `Missing parameters: ${missing.join(', ')}`)
  }
  checkSizes(given)
  if (kind === 'http') {
    if (data['url'] === undefined) throw new MatrixError('M_MISSING_PARAM', 'Missing parameters: data.url')
    checkUrl(data['url'])
  }
  return {
    kind,
    appDisplayName: app_display_name,
    deviceDisplayName: device_display_name,
    profileTag: given.profile_tag,
    lang,
    data: JSON.stringify(
      given[DISABLE_BADGE_COUNT] === true ? { ...data, [DISABLE_BADGE_COUNT]: true } : data,
    ),
  }
}

const checkSizes = (given: GivenPusher): void => {
  if (given.pushkey === '' || !fitsBytes(given.pushkey, MAX_KEY_BYTES)) {
    throw invalid(`A pushkey has 1 to ${MAX_KEY_BYTES} bytes`)
  }
  if (given.app_id === '' || [...given.app_id].length > MAX_APP_ID_CHARACTERS) {
    throw invalid(`An app_id has 1 to ${MAX_APP_ID_CHARACTERS} characters`)
  }
  const rest = [given.app_display_name, given.device_display_name, given.profile_tag, given.lang, given.data]
  if (!fitsBytes(JSON.stringify(rest), MAX_DATA_BYTES))
    throw invalid('This is too much to keep with a pusher')
}

/** "MUST be an HTTPS URL with a path of /_matrix/push/v1/notify." */
const checkUrl = (url: unknown): void => {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' || parsed.pathname !== GATEWAY_PATH || parsed.username !== '') {
    throw invalid(`data.url must be an HTTPS URL with the path ${GATEWAY_PATH}`)
  }
}

const listed = (row: PusherRow): ListedPusher => ({
  app_id: row.appId,
  pushkey: row.pushkey,
  kind: row.kind,
  app_display_name: row.appDisplayName,
  device_display_name: row.deviceDisplayName,
  ...(row.profileTag === undefined ? {} : { profile_tag: row.profileTag }),
  lang: row.lang,
  data: parseJson(row.data) as ListedPusher['data'],
})
