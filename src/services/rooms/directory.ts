import { levelToSend, powerLevelOf } from '../../core/auth/power-levels.ts'
import { MatrixError } from '../../core/errors.ts'
import { isRoomAlias, isRoomId, serverNameOf } from '../../core/ids.ts'
import type { RoomSender } from './room-sender.ts'
import type { RoomWriter } from './room-writer.ts'
import { stateLookup } from './state-lookup.ts'

/** A resolved alias: the room, and servers that should know how to join it. */
export interface ResolvedAlias {
  readonly roomId: string
  readonly servers: readonly string[]
}

/** Asks another server for one of its aliases. Throws `MatrixError` (`M_NOT_FOUND` …). */
export type QueryRemoteAlias = (server: string, alias: string) => Promise<ResolvedAlias>

/** Room aliases: this server's own, and other servers' by asking them. */
export class Directory {
  readonly #writer: RoomWriter
  readonly #sender: RoomSender
  readonly #queryRemote: QueryRemoteAlias
  /** Filled in by application services: has one make a room for an alias; answers whether one has. */
  makeRoom: ((alias: string) => Promise<boolean>) | undefined

  constructor(writer: RoomWriter, sender: RoomSender, queryRemote: QueryRemoteAlias) {
    this.#writer = writer
    this.#sender = sender
    this.#queryRemote = queryRemote
  }

  /** Resolves an alias. Throws `M_INVALID_PARAM` (no alias), `M_NOT_FOUND`. */
  async resolve(alias: string): Promise<ResolvedAlias> {
    if (!isRoomAlias(alias)) throw new MatrixError('M_INVALID_PARAM', `${alias} is not a room alias`)
    const { context } = this.#writer
    const server = serverNameOf(alias)
    if (server !== context.serverName) return this.#queryRemote(server, alias)
    const { aliases } = context.read
    const known = await aliases.one(alias)
    const row = known ?? ((await this.makeRoom?.(alias)) ? await aliases.one(alias) : undefined)
    if (row === undefined) throw aliasNotFound(alias)
    const head = await this.#writer.head(row.roomId)
    const servers = new Set([context.serverName, ...(head?.joinedHosts() ?? [])])
    return { roomId: row.roomId, servers: [...servers] }
  }

  /** A room ID as it is, an alias resolved. Throws `M_INVALID_PARAM`, `M_NOT_FOUND`. */
  async roomOf(roomIdOrAlias: string): Promise<ResolvedAlias> {
    return isRoomId(roomIdOrAlias) ? { roomId: roomIdOrAlias, servers: [] } : this.resolve(roomIdOrAlias)
  }

  /**
   * Gives a room an alias of this server: its members may, and application services in their namespaces, over which they have
   * "full control". Throws `M_INVALID_PARAM`, `M_NOT_FOUND`, `M_FORBIDDEN`, `M_UNKNOWN` (409) if it is taken.
   */
  async add(
    { userId, isInControl }: { userId: string; isInControl: boolean },
    alias: string,
    roomId: string,
  ): Promise<void> {
    const { context } = this.#writer
    if (!isRoomAlias(alias) || !isRoomId(roomId)) {
      throw new MatrixError('M_INVALID_PARAM', 'An alias looks like #name:server, a room ID like !id')
    }
    if (serverNameOf(alias) !== context.serverName) {
      throw new MatrixError('M_INVALID_PARAM', `Only aliases of ${context.serverName} can be made here`)
    }
    const head = await this.#writer.head(roomId)
    if (head === undefined) throw new MatrixError('M_NOT_FOUND', 'This room is not known to this server')
    if (!isInControl && head.memberships.get(userId) !== 'join') {
      throw new MatrixError('M_FORBIDDEN', 'Only members of a room can give it an alias')
    }
    const insert = context.write.aliases.insert({ alias, roomId, creator: userId }, context.clock.now())
    const result = await context.db.commit({ statements: [insert] })
    if (!result.ok) throw new MatrixError('M_UNKNOWN', `The alias ${alias} is taken already`, { status: 409 })
  }

  /**
   * Takes an alias away: its maker may, and whoever may set the room's canonical alias, and who controls it
   * anyway: administrators, and application services in their namespaces.
   * Throws `M_NOT_FOUND`, `M_FORBIDDEN`.
   */
  async remove(requester: { userId: string; isInControl: boolean }, alias: string): Promise<void> {
    const { context } = this.#writer
    const row = await context.read.aliases.one(alias)
    if (row === undefined) throw aliasNotFound(alias)
    const may =
      requester.isInControl ||
      row.creator === requester.userId ||
      (await mayNameRoom(this.#writer, requester.userId, row.roomId))
    if (!may) throw new MatrixError('M_FORBIDDEN', 'You may not remove this alias')
    const result = await context.db.commit({ statements: [context.write.aliases.delete(alias)] })
    if (!result.ok) throw aliasNotFound(alias)
    await this.#unname(requester.userId, row)
  }

  /**
   * "Servers which choose to update the canonical alias event are recommended to … delete the alias and return a successful
   * response even if the user does not have permission to update the `m.room.canonical_alias` event."
   */
  async #unname(userId: string, { alias, roomId }: { alias: string; roomId: string }): Promise<void> {
    const entry = (await this.#writer.head(roomId))?.entry('m.room.canonical_alias', '')
    const [stored] = entry === undefined ? [] : await this.#writer.context.read.events.byNids([entry.nid])
    if (stored === undefined || stored.redactedBy !== undefined) return
    const { alias: main, alt_aliases: others, ...rest } = stored.event.content
    const isListed = Array.isArray(others) && others.includes(alias)
    if (main !== alias && !isListed) return
    const content = {
      ...rest,
      ...(main === undefined || main === alias ? {} : { alias: main }),
      ...(Array.isArray(others) ? { alt_aliases: others.filter(other => other !== alias) } : {}),
    }
    try {
      await this.#sender.send(roomId, {
        ...{ type: 'm.room.canonical_alias', sender: userId, stateKey: '', content },
      })
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
    }
  }

  /** This server's aliases of a room. */
  async ofRoom(roomId: string): Promise<string[]> {
    return (await this.#writer.context.read.aliases.ofRoom(roomId)).map(row => row.alias)
  }
}

/** Whether a user may say what a room is called: who is in it and may set its canonical alias. */
export const mayNameRoom = async (writer: RoomWriter, userId: string, roomId: string): Promise<boolean> => {
  const head = await writer.head(roomId)
  if (head?.memberships.get(userId) !== 'join') return false
  const state = await stateLookup(writer.context, head, [{ type: 'm.room.power_levels', stateKey: '' }])
  const powers = {
    create: state('m.room.create', ''),
    powerLevels: state('m.room.power_levels', ''),
    version: head.version,
  }
  return powerLevelOf(userId, powers) >= levelToSend('m.room.canonical_alias', true, powers)
}

const aliasNotFound = (alias: string): MatrixError =>
  new MatrixError('M_NOT_FOUND', `There is no room with the alias ${alias}`)
