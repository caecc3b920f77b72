import { MatrixError } from '../../core/errors.ts'
import { compileGlob, type Glob, globMatches } from '../../core/glob.ts'
import type { Requester } from '../requester.ts'

/** One rule of the operator. Patterns are globs; the first rule that fits decides. */
export interface RoomRule {
  readonly action: 'allow' | 'deny'
  readonly user: string
  readonly room?: string
  readonly alias?: string
}

/** The lists of rules. An empty one allows everything; in any other, what no rule fits is denied. */
export interface RoomRuleLists {
  readonly creation: readonly RoomRule[]
  readonly aliases: readonly RoomRule[]
  readonly publication: readonly RoomRule[]
}

type Actor = Pick<Requester, 'userId' | 'isAdmin'>

interface Compiled {
  readonly isAllowed: boolean
  readonly user: Glob
  readonly room: Glob
  /** `undefined`: it fits whatever the aliases are, also where there are none. */
  readonly alias: Glob | undefined
}

const compile = (rules: readonly RoomRule[]): readonly Compiled[] =>
  rules.map(({ action, user, room = '*', alias = '*' }) => ({
    isAllowed: action === 'allow',
    user: compileGlob(user),
    room: compileGlob(room),
    alias: alias === '*' ? undefined : compileGlob(alias),
  }))

/** Who may make rooms, give them aliases and list them, as the operator has it. Administrators may in any case. */
export class RoomRules {
  readonly #creation: readonly Compiled[]
  readonly #aliases: readonly Compiled[]
  readonly #publication: readonly Compiled[]

  constructor({ creation, aliases, publication }: RoomRuleLists) {
    this.#creation = compile(creation)
    this.#aliases = compile(aliases)
    this.#publication = compile(publication)
  }

  /** @throws {MatrixError} `M_FORBIDDEN` */
  checkCreation(actor: Actor): void {
    if (this.#allows(this.#creation, actor, '', [])) return
    throw new MatrixError('M_FORBIDDEN', 'On this server you may not create rooms')
  }

  /**
   * @param roomId `undefined` for a room that is being made, which only rules for all rooms fit
   * @throws {MatrixError} `M_FORBIDDEN`
   */
  checkAlias(actor: Actor, alias: string, roomId?: string): void {
    if (this.#allows(this.#aliases, actor, roomId ?? '', [alias])) return
    throw new MatrixError('M_FORBIDDEN', 'On this server you may not make this alias')
  }

  /**
   * @param aliases those of this server that the room has
   * @param roomId `undefined` for a room that is being made
   * @throws {MatrixError} `M_FORBIDDEN`; of a room that is being made `M_UNKNOWN` (403)
   */
  checkPublication(actor: Actor, aliases: readonly string[], roomId?: string): void {
    if (this.#allows(this.#publication, actor, roomId ?? '', aliases)) return
    if (roomId !== undefined)
      throw new MatrixError('M_FORBIDDEN', 'On this server you may not list this room')
    // As Synapse says it: by this code and these words Element knows to make the room without listing it.
    throw new MatrixError('M_UNKNOWN', 'Not allowed to publish room', { status: 403 })
  }

  #allows(
    rules: readonly Compiled[],
    { userId, isAdmin }: Actor,
    roomId: string,
    aliases: readonly string[],
  ): boolean {
    if (rules.length === 0 || isAdmin) return true
    const fitting = rules.find(
      ({ user, room, alias }) =>
        globMatches(user, userId) &&
        globMatches(room, roomId) &&
        (alias === undefined || aliases.some(one => globMatches(alias, one))),
    )
    return fitting?.isAllowed === true
  }
}
