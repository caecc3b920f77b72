import { syncFilter } from '../../core/filter.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateAt } from '../../storage/rooms/state-views.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Missed } from '../rooms/ignored-users.ts'
import type { Sights } from '../rooms/room-sight.ts'
import { inSlices } from '../rooms/state-slices.ts'
import { strippedEvents } from '../sync/invitations.ts'
import type { Place as InRoom, RoomTimeline, RoomTimelines } from '../sync/room-timeline.ts'
import type { SyncRequest } from '../sync/sync-request.ts'
import type { RoomConfig } from './request.ts'
import type { RoomFacts } from './room-facts.ts'
import type { EndedPlace, InvitedPlace, JoinedPlace, LeftPlace } from './room-list.ts'
import type { RoomStateFinder } from './room-state.ts'
import type { RecountedAt, SentRoom } from './sent-room.ts'
import { shownPeople } from './shown-people.ts'
import type { ToldRoom } from './told-room.ts'

const NOTHING: ReadonlySet<number> = new Set()

/** One look of one client. */
export interface Look {
  readonly requester: Requester
  readonly ignored: ReadonlySet<string>
  readonly missed: Missed | undefined
  /** Up to where the response before this went, in the stream of events. */
  readonly after: number | undefined
  readonly upTo: number
  /** Up to where counts of what is unread are right, and where the streams stand by which they change. */
  readonly counted: number
  readonly recounted: RecountedAt
  /** It matters whom rooms show. */
  readonly tellsProfiles: boolean
}

/** What rooms are written from. */
export interface RoomTextParts {
  readonly read: RoomReaders
  readonly sights: Sights
  readonly timelines: RoomTimelines
  readonly states: RoomStateFinder
  readonly facts: RoomFacts
  readonly clientEvents: ClientEvents
}

/** Writes rooms into responses. */
export class RoomTexts {
  readonly #parts: RoomTextParts

  constructor(parts: RoomTextParts) {
    this.#parts = parts
  }

  /**
   * A room that the user is in: all of it, or what is new since it was sent last.
   * @param before how it was sent last, if the client is to go on from there
   */
  async joined(
    look: Look,
    place: JoinedPlace,
    config: RoomConfig,
    { before, isDirect }: { before: SentRoom | undefined; isDirect: boolean },
  ): Promise<ToldRoom> {
    const { roomNid, roomId, joinedAt } = place
    const expands = before !== undefined && config.timelineLimit > before.timelineLimit
    const after = before?.upTo
    const room = { roomNid, roomId }
    const span = { after: expands ? undefined : after, upTo: look.upTo }
    const timeline = await this.#timeline(look, room, span, config, { joinedAt })
    const texts = await this.#texts(look, { room, after, upTo: look.upTo, before }, config, timeline)
    const parts = [
      ...(before === undefined ? ['"initial":true', '"membership":"join"'] : []),
      ...(expands ? ['"expanded_timeline":true', '"unstable_expanded_timeline":true'] : []),
      ...(isDirect !== (before?.isDirect ?? false) ? [`"is_dm":${isDirect}`] : []),
      ...(await this.#parts.facts.of(roomNid, look.requester.userId, { after, upTo: look.upTo })),
      ...texts.parts,
    ]
    const wasCut = timeline.limited && !expands
    const timelineLimit =
      before === undefined || wasCut
        ? config.timelineLimit
        : Math.max(before.timelineLimit, config.timelineLimit)
    return {
      text: `{${parts.join(',')}}`,
      timeline: new Set(timeline.events.map(({ nid }) => nid)),
      people: texts.people,
      sent: {
        ...{ kind: 'joined', upTo: look.upTo, timelineLimit, isDirect, members: texts.members },
        ...{ requiredState: config.requiredState, recounted: look.recounted },
        ...(look.counted < look.upTo ? { counted: look.counted } : {}),
      },
    }
  }

  /** A room that the user has left: up to their leaving. */
  async left(
    look: Look,
    { row, roomNid, roomId }: LeftPlace,
    config: RoomConfig,
    before: SentRoom | undefined,
  ): Promise<ToldRoom> {
    const upTo = Math.min(row.position, look.upTo)
    const goesOn = before !== undefined && before.upTo < upTo ? before : undefined
    const after = goesOn?.upTo
    const sight = await this.#parts.sights.of(roomNid, row.userId)
    const room = { roomNid, roomId }
    const timeline = await this.#timeline(look, room, { after, upTo }, config, { sight })
    const wasIn = sight.joins.length > 0
    const texts = wasIn
      ? await this.#texts(look, { room, after, upTo, before: goesOn }, config, timeline)
      : await this.#ownMember(look, row.eventNid, timeline)
    const parts = [
      ...(goesOn === undefined ? ['"initial":true'] : []),
      `"membership":"${row.membership}"`,
      ...texts.parts,
      `"bump_stamp":${row.position}`,
    ]
    return {
      text: `{${parts.join(',')}}`,
      timeline: NOTHING,
      sent: {
        ...{ kind: 'left', upTo: row.position, timelineLimit: config.timelineLimit, isDirect: false },
        ...{ requiredState: config.requiredState, members: texts.members },
      },
    }
  }

  /** An invitation, or a knock: "the same as `rooms.invite.$room_id.invite_state`". */
  invited({ invitation }: InvitedPlace): ToldRoom {
    const events = JSON.stringify(strippedEvents(invitation))
    const parts = [
      '"initial":true',
      `"membership":"${invitation.kind}"`,
      ...[`"invite_state":${events}`, `"stripped_state":${events}`],
      ...['"required_state":[]', '"timeline":[]', `"bump_stamp":${invitation.eventPosition}`],
    ]
    return {
      text: `{${parts.join(',')}}`,
      timeline: NOTHING,
      sent: {
        ...{ kind: 'invited', upTo: invitation.position, timelineLimit: 0, requiredState: undefined },
        ...{ isDirect: false, members: new Map() },
      },
    }
  }

  /** A room that has ended for the user, and of which there is nothing more to tell. */
  ended({ membership, text, order }: EndedPlace): ToldRoom {
    const parts = [
      ...['"initial":true', `"membership":"${membership}"`, `"required_state":[${text}]`],
      ...[`"timeline":[${text}]`, '"limited":false', `"bump_stamp":${order}`],
    ]
    return {
      text: `{${parts.join(',')}}`,
      timeline: NOTHING,
      sent: {
        ...{ kind: 'left', upTo: 0, timelineLimit: 0, requiredState: undefined },
        ...{ isDirect: false, members: new Map() },
      },
    }
  }

  async #timeline(
    look: Look,
    room: { readonly roomNid: number; readonly roomId: string },
    span: { readonly after: number | undefined; readonly upTo: number },
    { timelineLimit: limit }: RoomConfig,
    place: InRoom,
  ): Promise<RoomTimeline> {
    const request: SyncRequest = {
      ...{ requester: look.requester, ignored: look.ignored, missed: look.missed },
      ...{ fullState: false, stateAfter: 'state_after' },
      since: span.after,
      filter: syncFilter({ room: { timeline: { limit } } }),
    }
    return this.#parts.timelines.read(request, room, span, place)
  }

  /** Timeline and state. */
  async #texts(
    look: Look,
    span: {
      readonly room: { readonly roomNid: number }
      readonly after: number | undefined
      readonly upTo: number
      readonly before: SentRoom | undefined
    },
    { requiredState }: RoomConfig,
    timeline: RoomTimeline,
  ): Promise<{ parts: string[]; members: ReadonlyMap<string, number>; people?: ReadonlySet<string> }> {
    const { before, after, upTo } = span
    const hadWanted = before?.requiredState
    const { entries, ended, members } = await this.#parts.states.find({
      ...{ roomNid: span.room.roomNid, after, upTo, wanted: requiredState, timeline },
      hadWanted: hadWanted?.key === requiredState.key ? undefined : hadWanted,
      members: before?.members ?? new Map(),
    })
    const stubs = ended.map(({ type, stateKey }) => JSON.stringify({ type, state_key: stateKey }))
    const state = [...(await this.#stateTexts(look, entries, timeline)), ...stubs]
    const parts = [...(await this.#timelineParts(look, timeline)), stateText(state)]
    if (!look.tellsProfiles) return { parts, members }
    return { parts, members, people: shownPeople(requiredState, entries, timeline) }
  }

  /** Whoever has never been in the room sees nothing of it but how their invitation ended. */
  async #ownMember(
    look: Look,
    eventNid: number,
    timeline: RoomTimeline,
  ): Promise<{ parts: string[]; members: ReadonlyMap<string, number> }> {
    const own = [{ type: 'm.room.member', stateKey: look.requester.userId, nid: eventNid }]
    const state = await this.#stateTexts(look, own, timeline)
    return { parts: [...(await this.#timelineParts(look, timeline)), stateText(state)], members: new Map() }
  }

  async #timelineParts(look: Look, timeline: RoomTimeline): Promise<string[]> {
    const { events, limited, before, sight, forks } = timeline
    const viewer = { ...look.requester, sight, forks }
    const texts = await this.#parts.clientEvents.render(events, viewer, { roomId: false, bundle: 'all' })
    const since = look.after
    const live = since === undefined ? 0 : events.filter(({ position = 0 }) => position > since).length
    return [
      `"timeline":[${texts.join(',')}]`,
      `"limited":${limited}`,
      `"prev_batch":"${formatStreamToken({ events: before })}"`,
      `"num_live":${live}`,
    ]
  }

  async #stateTexts(
    look: Look,
    entries: readonly StateAt[],
    { sight, forks }: RoomTimeline,
  ): Promise<string[]> {
    const { read, clientEvents } = this.#parts
    const viewer = { ...look.requester, sight, forks }
    const texts: string[] = []
    const nids = entries.map(({ nid }) => nid)
    for await (const events of inSlices(read, nids)) {
      for (const text of await clientEvents.render(events, viewer, { roomId: false })) texts.push(text)
    }
    return texts
  }
}

const stateText = (texts: readonly string[]): string => `"required_state":[${texts.join(',')}]`
