import { authEventsFor } from '../src/core/auth/auth-events.ts'
import { buildEvent } from '../src/core/event/builder.ts'
import { type RoomEvent, stateMapKey } from '../src/core/event/event.ts'
import { parsePdu } from '../src/core/event/format.ts'
import type { JsonObject } from '../src/core/json.ts'
import { DEFAULT_ROOM_VERSION, type RoomVersion, roomVersion } from '../src/core/room-versions.ts'
import { type PeerRequest, ScriptedPeer } from '../src/test-kit/https-server.ts'

const version = roomVersion(DEFAULT_ROOM_VERSION) as RoomVersion
/** Of so many members one has changed their name, so that their first join is part of the auth chain. */
const RENAMED = 3

/**
 * A public room with very many members on one server, which lets others in, tells its state, and takes what is sent to
 * it.
 */
export class LargeRoom {
  readonly peer: ScriptedPeer
  readonly #state = new Map<string, RoomEvent>()
  readonly #all: RoomEvent[] = []
  readonly #byId = new Map<string, RoomEvent>()
  /** The state before the last join, as texts: of members, of all else, and what authorises both. */
  #members = ''
  #others = ''
  #replaced = ''
  #ids = ''
  /** The event IDs of messages that were sent to it. */
  readonly messages: string[] = []

  private constructor(peer: ScriptedPeer) {
    this.peer = peer
  }

  /** Makes the room, which takes a while: every event is signed. */
  static async start(members: number): Promise<LargeRoom> {
    // A name that leads here by itself, so that any server finds it.
    const room = new LargeRoom(await ScriptedPeer.start({ host: 'localhost' }))
    room.#fill(members)
    room.#serve()
    return room
  }

  get roomId(): string {
    return `!${this.#all[0]?.eventId.slice(1)}`
  }

  close(): Promise<void> {
    return this.peer.close()
  }

  #fill(members: number): void {
    const creator = this.#user(0)
    this.#add(creator, 'm.room.create', '', { room_version: version.id })
    this.#add(creator, 'm.room.member', creator, { membership: 'join' })
    this.#add(creator, 'm.room.power_levels', '', { users: {} })
    this.#add(creator, 'm.room.join_rules', '', { join_rule: 'public' })
    this.#add(creator, 'm.room.name', '', { name: 'Large' })
    const replaced: RoomEvent[] = []
    for (let n = 1; n < members; n++) {
      const content = { membership: 'join', displayname: `Member ${n}` }
      const first = this.#add(this.#user(n), 'm.room.member', this.#user(n), content)
      if (n % RENAMED !== 0) continue
      replaced.push(first)
      this.#add(this.#user(n), 'm.room.member', this.#user(n), { ...content, displayname: `Renamed ${n}` })
    }
    const state = [...this.#state.values()]
    const text = (events: readonly RoomEvent[]) => events.map(({ pdu }) => JSON.stringify(pdu)).join(',')
    this.#members = text(state.filter(({ type }) => type === 'm.room.member').toReversed())
    this.#others = text(state.filter(({ type }) => type !== 'm.room.member'))
    this.#replaced = text(replaced)
    this.#ids = JSON.stringify({
      pdu_ids: state.map(({ eventId }) => eventId),
      auth_chain_ids: replaced.map(({ eventId }) => eventId),
    })
  }

  #user(n: number): string {
    return `@member${n}:${this.peer.serverName}`
  }

  #add(sender: string, type: string, stateKey: string, content: JsonObject): RoomEvent {
    const event = buildEvent(
      {
        ...{ version, sender, type, stateKey, content },
        ...(this.#all.length === 0 ? {} : { roomId: this.roomId }),
        ...this.#place({ sender, type, stateKey, content }),
        originServerTs: 1_700_000_000_000 + this.#all.length,
      },
      this.peer.serverName,
      this.peer.signingKey,
    )
    this.#take(event)
    return event
  }

  #place(event: { sender: string; type: string; stateKey: string; content: JsonObject }) {
    const last = this.#all.at(-1)
    return {
      prevEvents: last === undefined ? [] : [last.eventId],
      authEvents: authEventsFor(event, version).flatMap(
        point => this.#state.get(stateMapKey(point.type, point.stateKey))?.eventId ?? [],
      ),
      depth: (last?.depth ?? 0) + 1,
    }
  }

  #take(event: RoomEvent): void {
    this.#all.push(event)
    this.#byId.set(event.eventId, event)
    if (event.stateKey !== undefined) this.#state.set(stateMapKey(event.type, event.stateKey), event)
  }

  #serve(): void {
    const federation = '/_matrix/federation'
    const v1 = (path: string) => new RegExp(`^${federation}/v1/${path}`)
    this.peer.always('GET', v1('make_join/'), ({ path }) => ({ json: this.#template(path) }))
    this.peer.always('PUT', new RegExp(`^${federation}/v2/send_join/`), request => this.#letIn(request))
    this.peer.always('GET', v1('state_ids/'), () => ({ text: this.#ids }))
    this.peer.always('GET', v1('state/'), () => ({
      text: `{"pdus":[${this.#others},${this.#members}],"auth_chain":[${this.#replaced}]}`,
    }))
    this.peer.always('GET', v1('event/'), ({ path }) => {
      const event = this.#byId.get(path.split('/').at(-1) ?? '')
      return event === undefined ? { status: 404 } : { json: { pdus: [event.pdu] } }
    })
    this.peer.always('PUT', v1('send/'), request => {
      const pdus = (request.body as JsonObject)['pdus'] as JsonObject[]
      for (const pdu of pdus) if (pdu['type'] === 'm.room.message') this.messages.push(String(pdu['sender']))
      return { json: { pdus: {} } }
    })
    this.peer.always('GET', v1('user/devices/'), () => ({ status: 404 }))
  }

  #template(path: string): JsonObject {
    const userId = path.split('/').at(-1) ?? ''
    const event = { sender: userId, type: 'm.room.member', stateKey: userId, content: { membership: 'join' } }
    const { prevEvents, authEvents, depth } = this.#place(event)
    return {
      room_version: version.id,
      event: {
        ...{ room_id: this.roomId, type: event.type, sender: userId, state_key: userId, depth },
        ...{ content: event.content, prev_events: prevEvents, auth_events: authEvents },
      },
    }
  }

  #letIn({ body, query }: PeerRequest) {
    const parsed = parsePdu(body as JsonObject, version)
    if ('refusal' in parsed) return { status: 400, json: { errcode: 'M_BAD_JSON', error: 'no event' } }
    this.#take(parsed.event)
    const omits = query.get('omit_members') === 'true' && this.omitsMembers
    const creator = JSON.stringify(this.#all[1]?.pdu)
    const told = omits
      ? `"state":[${this.#others}],"auth_chain":[${creator}],"members_omitted":true`
      : `"state":[${this.#others},${this.#members}],"auth_chain":[${this.#replaced}],"members_omitted":false`
    return { text: `{${told},"servers_in_room":[${JSON.stringify(this.peer.serverName)}]}` }
  }

  /** Whether it leaves out members when it may. */
  omitsMembers = true
}
