import { MatrixError } from '../../../core/errors.ts'
import { trustedEvent } from '../../../core/event/format.ts'
import type { JsonObject } from '../../../core/json.ts'
import { type RoomVersion, roomVersions } from '../../../core/room-versions.ts'
import type { EventTemplate } from '../../../network/federation/membership.ts'
import type { Answer } from '../../answer.ts'
import { checkGone, importRoom } from '../../rooms/import-room.ts'
import { BadSnapshot } from '../../rooms/judge-snapshot.ts'
import { storeOutliers } from '../../rooms/outliers.ts'
import type { RemoteRequest } from '../../rooms/ports.ts'
import { receiveRecommended } from '../../rooms/receive-recommended.ts'
import { restrictedJoin } from '../../rooms/restricted-join.ts'
import { SerialQueue } from '../../serial-queue.ts'
import type { Attempt } from './asked-in-turn.ts'
import { firstToHelp } from './candidates.ts'
import type { Completion, GivenState } from './completion/course.ts'
import type { OutboundContext } from './context.ts'
import { completeTemplate, knownVersion, UNTOLD_VERSION } from './handshake-event.ts'
import {
  badAnswer,
  countersigned,
  verifiedEvents,
  versionByCreate,
  withRecommendation,
} from './join-answer.ts'
import { type JoinEntry, lacksAuthEvents, withoutMembers } from './join-entry.ts'
import { endsUnknownTo } from './rejoin-ends.ts'
import { fetchRejoinGap } from './rejoin-gap.ts'

/**
 * Up to so many events of its state a room is small: where its members are told at once one commit stores them, and else the join
 * waits for them.
 */
const SMALL_ROOM = 1_000
/** For so long (milliseconds) a join waits for the members of a small room, which are there by then. */
const PATIENCE_MS = 500

/** What joins set off. */
export interface JoinPorts {
  /** Told of the events that another server passes on for us. */
  readonly onHandedIn: (eventId: string) => void
  /**
   * Completes a room that was joined without its members; resolves once it is, or need not be. `onMissing` is told how many events
   * that takes, as far as it is known.
   */
  readonly complete: (
    completion: Completion,
    given: GivenState | undefined,
    onMissing: (events: number) => void,
  ) => Promise<void>
  /** Completes what the last stay in a room lacked of its members, as far as a server that lets us in again tells them at once. */
  readonly finishStay: (roomId: string, server: string) => Promise<void>
}

/**
 * Joins rooms through servers that are in them (server-server API, "Joining Rooms"). Joins of one room run one after
 * another: whoever waited for another local user's join then joins at home.
 */
export class RemoteJoin {
  readonly #context: OutboundContext
  readonly #rooms = new SerialQueue()
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #ports: JoinPorts

  constructor(context: OutboundContext, ports: JoinPorts) {
    this.#context = context
    this.#ports = ports
  }

  /** Throws `MatrixError` as the client is to see it. */
  async join(request: RemoteRequest): Promise<void> {
    const { roomId } = request
    const joining = this.#rooms.run(roomId, () => this.#joinNow(request))
    const settled = joining.catch(() => undefined)
    this.#underWay.set(roomId, settled)
    try {
      await joining
    } finally {
      if (this.#underWay.get(roomId) === settled) this.#underWay.delete(roomId)
    }
  }

  /**
   * Settles when no join of the room is under way any more. Peers send us the room's events as soon as they know of our
   * join, which may be before we have stored the room.
   */
  idle(roomId: string): Answer<void> {
    return this.#underWay.get(roomId)
  }

  async #joinNow(request: RemoteRequest): Promise<void> {
    if (await this.#joinAtHome(request)) return
    const { clock, log, core } = this.#context
    // Before other servers are asked to let us in.
    await checkGone(core.context, request.roomId)
    await firstToHelp(
      request.via,
      { clock, log: log.child({ room: request.roomId, user: request.userId }), purpose: 'join' },
      {
        prepare: one => this.#prepare(one, request),
        finish: (server, template) => this.#joinThrough(server, template, request),
      },
    )
  }

  /** Joins without any other server where that has become possible while waiting; answers whether it was. */
  async #joinAtHome({ userId, roomId, content }: RemoteRequest): Promise<boolean> {
    const { core } = this.#context
    const head = await core.writer.head(roomId)
    if (head === undefined || !head.hasHost(core.context.serverName)) return false
    const membership = head.memberships.get(userId)
    if (membership === 'join') return true
    if (head.partial !== undefined && membership === undefined) return false
    const restricted = await restrictedJoin(core.context, head, userId)
    if (restricted.kind !== 'unrestricted' && restricted.kind !== 'authorised') return false
    const vouched =
      restricted.kind === 'authorised' ? { join_authorised_via_users_server: restricted.by } : {}
    await core.sender.send(roomId, {
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { ...content, ...vouched, membership: 'join' },
    })
    return true
  }

  #prepare({ server, ...options }: Attempt, { roomId, userId }: RemoteRequest): Promise<EventTemplate> {
    const versions = [...roomVersions.keys()]
    // Some of what comes is signed by the server itself.
    this.#context.expectKeysOf?.(server)
    return this.#context.federation.makeJoin(server, { roomId, userId, versions }, options)
  }

  async #joinThrough(
    server: string,
    template: EventTemplate,
    { roomId, content }: RemoteRequest,
  ): Promise<void> {
    const { federation, core, clock } = this.#context
    const assumed = await this.#versionOf(roomId, template.roomVersion)
    const ours = completeTemplate(template.event, {
      serverName: core.context.serverName,
      signingKey: core.signingKey,
      version: assumed,
      content,
      now: clock.now(),
      random: core.context.random,
    })
    const { eventId, pdu } = ours
    const head = await core.writer.head(roomId)
    const omitMembers = head?.hasHost(core.context.serverName) !== true || head.partial !== undefined
    const response = await federation.sendJoin(server, { roomId, eventId, event: pdu, omitMembers })
    const { membersOmitted, serversInRoom = [] } = response
    const isTold = template.roomVersion !== undefined || head !== undefined
    const version = isTold ? assumed : versionByCreate(response.state)
    const own = isTold ? ours : trustedEvent(pdu, eventId, version)
    const about = { server, roomId }
    // What the room is we take from it in any case, as long as nobody here is in the room.
    const isResident = head?.hasHost(core.context.serverName) === true
    const asked = { ...about, vouchedBy: isResident ? undefined : server }
    const verified = (pdus: readonly JsonObject[], what: string) =>
      verifiedEvents(this.#context, pdus, version, { ...asked, what })
    const state = await verified(response.state, 'state')
    const authChain = await verified(response.authChain, 'auth chain')
    const signed = await countersigned(this.#context, server, own, response.event)
    const join = withRecommendation(signed, response.event ?? {}, state)
    this.#ports.onHandedIn(join.eventId)
    const servers = [server, ...serversInRoom]
    const given = response.state.length + response.authChain.length
    const isIncomplete =
      state.length + authChain.length < given || lacksAuthEvents([...state, ...authChain, join])
    await this.#store({ ...about, version, join, state, authChain, membersOmitted, isIncomplete, servers })
  }

  async #versionOf(roomId: string, told: string | undefined): Promise<RoomVersion> {
    const known = await this.#context.core.writer.head(roomId)
    const version = knownVersion(told ?? (known?.version.id === '2' ? '2' : UNTOLD_VERSION))
    if (known !== undefined && known.version !== version) {
      throw new MatrixError('M_UNKNOWN', 'The other server takes the room for one of another version', {
        status: 502,
      })
    }
    return version
  }

  async #store(entry: JoinEntry): Promise<void> {
    const { server, roomId, join, state, authChain } = entry
    const { writer, context } = this.#context.core
    const head = await writer.head(roomId)
    try {
      if (head?.hasHost(context.serverName) === true) return await this.#storeAmongOthers(entry)
      if (head !== undefined) {
        await this.#ports.finishStay(roomId, server)
        await fetchRejoinGap(this.#context, server, join)
      }
      const otherEnds = await endsUnknownTo(this.#context, server, join)
      await context.nids.ensure(state.length + authChain.length + 1)
      await this.#enter({ ...entry, otherEnds })
    } catch (error) {
      if (error instanceof BadSnapshot) throw badAnswer(server, error.message)
      // Another process has brought the room here in the meantime.
      const isHereNow = error instanceof MatrixError && error.errcode === 'M_ROOM_IN_USE'
      if (head === undefined && isHereNow) return this.#store(entry)
      throw error
    }
    this.#context.log.info({ room: roomId, server, state: state.length }, 'joined a room')
  }

  /** The room is new here, or nobody here was in it any more. */
  async #enter(entry: JoinEntry): Promise<void> {
    const { core, clock } = this.#context
    const { roomId, join, state, membersOmitted, isIncomplete } = entry
    if (!membersOmitted && !isIncomplete && state.length <= SMALL_ROOM) {
      await importRoom(core.writer, entry)
      return
    }
    // Many members are as good as omitted: they are stored in chunks, whatever comes between. And what is lacking is asked for
    // once more: the keys of its servers may be had by then.
    const known = membersOmitted ? entry : withoutMembers(entry)
    const { servers } = known
    await importRoom(core.writer, { ...known, partial: { servers } })
    const completion = { roomId, joinEventId: join.eventId, servers }
    const given = membersOmitted ? undefined : { ...entry, isIncomplete }
    const patience = new AbortController()
    const measure = (size: number) => size > SMALL_ROOM && patience.abort()
    // Every server has a member in the room.
    measure(Math.max(state.length, servers.length))
    const waited = clock.sleep(PATIENCE_MS, patience.signal).catch(() => undefined)
    await Promise.race([this.#ports.complete(completion, given, measure), waited])
    patience.abort()
  }

  /** We are in the room, only nobody here could vouch for the user: the join is one event among others. */
  async #storeAmongOthers({ roomId, join, state, authChain, membersOmitted }: JoinEntry): Promise<void> {
    const { writer, context } = this.#context.core
    await context.nids.ensure(state.length + authChain.length + 1)
    await storeOutliers(writer, roomId, [...authChain, ...state])
    const received = await receiveRecommended(
      writer,
      join,
      membersOmitted ? { onCurrentState: true } : { stateBefore: state.map(event => event.eventId) },
    )
    if (received.outcome === 'accepted' || received.outcome === 'duplicate') return
    const reason = 'reason' in received ? received.reason : 'what it builds on is missing'
    const isBanned = (await writer.head(roomId))?.memberships.get(join.sender) === 'ban'
    // What has happened here since, of which the other server does not know, is no fault of its.
    const isForbidden = isBanned || received.outcome === 'soft-failed'
    throw isForbidden ? new MatrixError('M_FORBIDDEN', reason) : new BadSnapshot(reason)
  }
}
