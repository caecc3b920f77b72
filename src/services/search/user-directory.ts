import { isCompliantUserId } from '../../core/ids.ts'
import { searchPhrases } from '../../core/search-text.ts'
import type { Operations } from '../../spec/types.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { type DirectoryScope, MAX_USER_PHRASES } from '../../storage/rooms/user-directory.ts'
import { contentShown } from '../rooms/room-summary.ts'
import { userSearchText } from '../rooms/user-names.ts'

type FoundUsers = Operations['searchUserDirectory']['response']

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 50
/** More than are answered, since some turn out to be called otherwise where the searcher may know them. */
const SPARE = 50

/** How the operator has it. */
export interface DirectorySettings extends DirectoryScope {
  readonly enabled: boolean
  /** Users of application services, of which bridges have many, are found by rooms alone. */
  isOfService(userId: string): boolean
}

const WHOM_ROOMS_SHOW: DirectorySettings = {
  enabled: true,
  allUsers: false,
  remoteUsers: true,
  isOfService: () => false,
}

/** Finds people (client-server API, "User Directory"). */
export class UserDirectory {
  readonly #read: RoomReaders
  readonly #settings: DirectorySettings

  constructor(read: RoomReaders, settings: DirectorySettings = WHOM_ROOMS_SHOW) {
    this.#read = read
    this.#settings = settings
  }

  /**
   * People whose ID or name has words that begin like those given, among those who share a room with the searcher or
   * are in one that anybody may join or read. Local users are called as in their profile, which all may read, others as they
   * are called there: what somebody is called in a room that the searcher may not know, nobody learns. The operator may have all
   * local users be found, no others, or nobody.
   */
  async search(searcher: string, term: string, limit: number = DEFAULT_LIMIT): Promise<FoundUsers> {
    const phrases = searchPhrases(term).slice(0, MAX_USER_PHRASES)
    const wanted = Math.min(Math.max(limit, 1), MAX_LIMIT)
    if (phrases.length === 0 || !this.#settings.enabled) return { results: [], limited: false }
    const found = await this.#read.userDirectory.search(searcher, phrases, this.#settings, wanted + SPARE)
    const members = await this.#read.events.byNids(found.flatMap(user => user.memberNid ?? []))
    const byNid = new Map(members.map(stored => [stored.nid, contentShown(stored)]))
    const results = found.flatMap(({ userId, memberNid, profile }) => {
      if (!isCompliantUserId(userId)) return []
      if (memberNid === undefined && this.#settings.isOfService(userId)) return []
      const content = (memberNid === undefined ? undefined : byNid.get(memberNid)) ?? {}
      const name = profile === undefined ? content['displayname'] : profile.displayname
      const avatar = profile === undefined ? content['avatar_url'] : profile.avatarUrl
      const text = userSearchText(userId, name)
      if (!phrases.every(tokens => text.includes(` ${tokens.join(' ')}`))) return []
      return [
        {
          user_id: userId,
          ...(typeof name === 'string' ? { display_name: name } : {}),
          ...(typeof avatar === 'string' && avatar.startsWith('mxc://') ? { avatar_url: avatar } : {}),
        },
      ]
    })
    return { results: results.slice(0, wanted), limited: results.length > wanted }
  }
}
