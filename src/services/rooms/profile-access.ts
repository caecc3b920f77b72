import { MatrixError } from '../../core/errors.ts'
import type { Reader } from '../../storage/database.ts'
import { SharedRoomReader } from '../../storage/rooms/shared-rooms.ts'
import type { Requester } from '../requester.ts'

/** Who is shown profiles: everybody, whoever is signed in, or who may know their owner by some room. */
export type ProfileAudience = 'anybody' | 'users' | 'rooms'

/**
 * Who may look at profiles, where the operator narrows it. "Homeservers MUST at a minimum allow profile look-up for users who are
 * visible to the requester based on their membership in rooms … In all other cases, homeservers MAY deny profile look-up"
 * (client-server API, "Profiles").
 */
export class ProfileAccess {
  readonly #audience: ProfileAudience
  readonly #isForServers: boolean
  readonly #shared: SharedRoomReader

  constructor(
    db: Reader,
    settings: { readonly visibleTo: ProfileAudience; readonly overFederation: boolean },
  ) {
    this.#audience = settings.visibleTo
    this.#isForServers = settings.overFederation
    this.#shared = new SharedRoomReader(db)
  }

  /** "Deny profile look-up over federation by responding with 403 and an error code of `M_FORBIDDEN`." */
  checkServer(): void {
    if (!this.#isForServers)
      throw new MatrixError('M_FORBIDDEN', 'This server shows no profiles to other servers')
  }

  /**
   * Refuses who may not see somebody's profile. Administrators may, and application services.
   * @throws {MatrixError} `M_MISSING_TOKEN`, `M_FORBIDDEN`
   */
  async check(requester: Requester | undefined, userId: string): Promise<void> {
    if (this.#audience === 'anybody') return
    if (requester === undefined)
      throw new MatrixError('M_MISSING_TOKEN', 'Profiles are shown to those who are signed in')
    const { isAdmin, appServiceId } = requester
    if (this.#audience === 'users' || requester.userId === userId || isAdmin || appServiceId !== undefined)
      return
    if (await this.#shared.mayKnow(requester.userId, userId)) return
    throw new MatrixError('M_FORBIDDEN', 'Profiles are shown to those who share a room')
  }
}
