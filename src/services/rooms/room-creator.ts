import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { SigningKey } from '../../core/signing.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { nextTurn } from '../next-turn.ts'
import { type Appended, append } from './append.ts'
import { type EventTemplate, type LocalEvent, makeLocalEvent } from './local-event.ts'
import { endStatements } from './room-ends.ts'
import { RoomHead } from './room-head.ts'
import {
  checkTesseraFields,
  createContent,
  initialStateEvents,
  type NewRoom,
  powerLevelsContent,
} from './room-templates.ts'
import type { Draft, RoomWriter } from './room-writer.ts'

/** Another process may have made the same room in the same millisecond. */
const MAX_ATTEMPTS = 5

/** Events that are made in one turn of the event loop. */
const SLICE = 20

/** Statements that are committed with a room, given its ID, or not at all. */
export type RoomClaim = (roomId: string) => readonly WriteStatement[]

/** A guard of the statements that were to go with a room failed: there is no room. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost'
}

/** Makes rooms: all their first events in one durable commit. */
export class RoomCreator {
  readonly #writer: RoomWriter
  readonly #signingKey: SigningKey
  /** `origin_server_ts` of the newest create event. */
  #newestTs = 0

  constructor(writer: RoomWriter, signingKey: SigningKey) {
    this.#writer = writer
    this.#signingKey = signingKey
  }

  /**
   * Creates a room with everything but its invitations, which the caller sends.
   *
   * @param creatorMember content of the creator's member event (their profile, and `membership: join`)
   * @param claim what else the commit holds
   * @returns the room ID
   * @throws {ClaimLost}
   *
   * Throws `M_ROOM_IN_USE` if the alias is taken, `M_INVALID_ROOM_STATE` if the asked-for state is not one that the
   * creator may set, or leaves them unable to invite whom they want to, `M_INVALID_PARAM` for fields of ours.
   */
  async create(room: NewRoom, creatorMember: JsonObject, claim: RoomClaim = () => []): Promise<string> {
    checkTesseraFields(room)
    const { context } = this.#writer
    if (room.alias !== undefined && (await context.read.aliases.one(room.alias)) !== undefined)
      throw aliasTaken(room)
    for (let attempt = 1; ; attempt++) {
      const roomId = await this.#attempt(room, creatorMember, claim)
      if (roomId !== undefined) return roomId
      if (attempt === MAX_ATTEMPTS)
        throw new MatrixError('M_UNKNOWN', 'No room ID could be found', { status: 503 })
    }
  }

  /** Answers `undefined` if there is a room of this ID already. */
  async #attempt(room: NewRoom, creatorMember: JsonObject, claim: RoomClaim): Promise<string | undefined> {
    const { context } = this.#writer
    const create = await this.#createEvent(room)
    const { roomId } = create.event
    const templates = [...foundations(room, creatorMember), ...stateTemplates(room)]
    // For the room, its head and its create event, too.
    await context.nids.ensure(templates.length + 3)
    return this.#writer.create(roomId, async () => {
      const head = emptyHead(room, roomId, context.nids.next(), context.clock.now())
      try {
        const appended = await this.#firstEvents(room, head, { create, templates })
        return { head, draft: this.#draft(room, head, appended, claim(roomId)) }
      } catch (error) {
        // Nobody will store them.
        context.read.events.forget(head.drafted)
        throw error
      }
    })
  }

  async #firstEvents(
    room: NewRoom,
    head: RoomHead,
    { create, templates }: { create: LocalEvent; templates: readonly EventTemplate[] },
  ): Promise<Appended[]> {
    const appended = [await append(this.#writer.context, head, { ...create, local: true }, 0)]
    for (const template of templates) {
      if (appended.length % SLICE === 0) await nextTurn()
      appended.push(await this.#append(head, template, appended.length))
    }
    // "The server MUST apply the normal state resolution rules …, including checking power levels for each event."
    for (const invitation of firstInvitation(room)) await this.#make(head, invitation)
    return appended
  }

  async #createEvent(room: NewRoom): Promise<LocalEvent> {
    const { context } = this.#writer
    const roomId = `!${Buffer.from(context.random(18)).toString('base64url')}:${context.serverName}`
    const head = emptyHead(room, roomId, 0, 0)
    // Since v12 the room ID is the hash of this event: the same event twice would be the same room.
    this.#newestTs = Math.max(context.clock.now(), this.#newestTs + 1)
    const template = {
      type: 'm.room.create',
      sender: room.creator,
      stateKey: '',
      content: createContent(room),
      originServerTs: this.#newestTs,
    }
    return makeLocalEvent(context, this.#signingKey, head, template)
  }

  async #append(head: RoomHead, template: EventTemplate, offset: number): Promise<Appended> {
    const made = await this.#make(head, template)
    // Those that were reserved for the room others have taken as well.
    await this.#writer.context.nids.refilled()
    return append(this.#writer.context, head, { ...made, local: true }, offset)
  }

  async #make(head: RoomHead, template: EventTemplate): Promise<LocalEvent> {
    try {
      return await makeLocalEvent(this.#writer.context, this.#signingKey, head, template)
    } catch (error) {
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') {
        throw new MatrixError('M_INVALID_ROOM_STATE', `${template.type} is not possible: ${error.message}`)
      }
      throw error
    }
  }

  #draft(
    room: NewRoom,
    head: RoomHead,
    appended: readonly Appended[],
    claims: readonly WriteStatement[],
  ): Draft<string | undefined> {
    const { write, clock } = this.#writer.context
    const { roomId } = head.room
    const alias =
      room.alias === undefined
        ? []
        : [write.aliases.insert({ alias: room.alias, roomId, creator: room.creator }, clock.now())]
    return {
      statements: [
        write.rooms.insert(head.room),
        ...appended.flatMap(one => one.statements),
        ...endStatements(this.#writer.context, head, []),
        ...alias,
        ...claims,
      ],
      nids: appended.map(one => one.nid),
      result: ({ positions: { events: first = 0 } }) => {
        for (const one of appended) one.settle(first)
        return roomId
      },
      onGuard: async guard => {
        if (guard === 'alias') throw aliasTaken(room)
        if (claims.some(claim => claim.guard?.name === guard)) throw new ClaimLost()
        return undefined
      },
    }
  }
}

const aliasTaken = (room: NewRoom): MatrixError =>
  new MatrixError('M_ROOM_IN_USE', `The alias ${room.alias} is taken already`)

const emptyHead = (room: NewRoom, roomId: string, nid: number, createdTs: number): RoomHead => {
  const { version, isPublic, creator } = room
  const row = { nid, roomId, version: version.id, headVersion: 0, latestTs: 0, isPublic, creator, createdTs }
  return new RoomHead(row, version, [], [], new Map())
}

const foundations = (room: NewRoom, creatorMember: JsonObject): EventTemplate[] => [
  { type: 'm.room.member', sender: room.creator, stateKey: room.creator, content: creatorMember },
  { type: 'm.room.power_levels', sender: room.creator, stateKey: '', content: powerLevelsContent(room) },
]

const stateTemplates = (room: NewRoom): EventTemplate[] =>
  initialStateEvents(room).map(({ type, stateKey, content }) => ({
    type,
    stateKey,
    content,
    sender: room.creator,
  }))

/** What is judged before the room is there, though it is sent later: who may invite one person may invite the others. */
const firstInvitation = (room: NewRoom): EventTemplate[] =>
  room.invite.slice(0, 1).map(stateKey => ({
    type: 'm.room.member',
    sender: room.creator,
    stateKey,
    content: { membership: 'invite' },
  }))
