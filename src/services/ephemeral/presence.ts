import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { PresenceName } from '../../core/presence.ts'
import { SharedRoomReader } from '../../storage/rooms/shared-rooms.ts'
import type { DisplayProfile } from '../accounts/index.ts'
import type { Requester } from '../requester.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { suspended } from '../rooms/sending.ts'
import type { EduSender } from './edu-sender.ts'
import { announceLearnt, concerningHere } from './learnt-members.ts'
import { type LocalJudgement, LocalPresence } from './local-presence.ts'
import { PresenceAnnouncer } from './presence-announcer.ts'
import { PresenceBulletin } from './presence-bulletin.ts'
import { MAX_STATUS_LENGTH, parsePresenceContent } from './presence-edu.ts'
import { looksLike, OFFLINE, type PresenceState, PresenceStates, updatedAfter } from './presence-states.ts'
import { PresenceStore } from './presence-store.ts'
import { type ShownPresence, shownPresence } from './shown-presence.ts'

/** A server that has been silent for so long about a user who was not offline has lost them. */
const REMOTE_SILENCE_MS = 40 * 60_000
/** After a start, devices have so long to come back before their users count as offline. */
const RETURN_MS = 60_000

export interface PresenceParts {
  readonly context: RoomsContext
  readonly clock: Clock
  readonly edus: EduSender
  readonly log: Log
  /** Whether there is presence at all, and whether other servers are told of it. */
  readonly enabled: boolean
  readonly overFederation: boolean
}

/** Who is there (module "Presence"), told to those who share a room. */
export class Presence {
  readonly states: PresenceStates
  readonly #parts: PresenceParts
  readonly #shared: SharedRoomReader
  readonly #local: LocalPresence
  readonly #store: PresenceStore
  readonly #bulletin: PresenceBulletin
  readonly #announcer: PresenceAnnouncer
  /** What was written down is read; answers whose presence is known by it. */
  #loading: Promise<string[]> | undefined
  constructor(parts: PresenceParts) {
    this.#parts = parts
    const { processes } = parts.context
    this.states = new PresenceStates(processes.bulletin.position)
    this.#bulletin = new PresenceBulletin(this.states, processes)
    this.#shared = new SharedRoomReader(parts.context.db)
    this.#local = new LocalPresence({
      ...{ clock: parts.clock, processes },
      judged: (userId, judgement) => this.#judged(userId, judgement),
    })
    this.#store = new PresenceStore(parts.context.db, parts.clock)
    this.#announcer = new PresenceAnnouncer({
      ...parts,
      states: this.states,
      shared: this.#shared,
      bulletin: this.#bulletin,
    })
  }

  get enabled(): boolean {
    return this.#parts.enabled
  }

  /**
   * A client begins a `/sync`, which makes its user what `setPresence` says, `online` by default. The answer is to be
   * called when it ends.
   */
  syncing(requester: Requester, setPresence: PresenceName = 'online'): () => void {
    if (!this.enabled) return () => {}
    return this.#local.syncing(requester.userId, deviceOf(requester), setPresence)
  }

  /** A user sets their presence. Throws `M_INVALID_PARAM` for a status that is too long. */
  async set(requester: Requester, presence: PresenceName, statusMsg: string | undefined): Promise<void> {
    if (statusMsg !== undefined && (statusMsg.length > MAX_STATUS_LENGTH || !statusMsg.isWellFormed())) {
      throw new MatrixError('M_INVALID_PARAM', `A status has at most ${MAX_STATUS_LENGTH} characters`)
    }
    if (!this.enabled) return
    const { userId } = requester
    const before = this.states.get(userId) ?? OFFLINE
    const status = statusMsg === '' ? undefined : statusMsg
    if (before.statusMsg !== status) {
      if (requester.isSuspended && status !== undefined) throw suspended()
      this.#remember(userId, { ...before, statusMsg: status })
      this.#announcer.announce(userId)
    }
    this.#local.choose(userId, deviceOf(requester), presence)
    await this.#announcer.idle(userId)
  }

  /** A user has done something of their own accord: sent a message, typed, read. What bridges do is not counted. */
  active(requester: Requester): void {
    if (!this.enabled || requester.appServiceId !== undefined) return
    this.#local.active(requester.userId, deviceOf(requester))
  }

  /** A user's presence for somebody. Throws `M_FORBIDDEN` (no room in common), `M_NOT_FOUND` (nothing known). */
  async get(viewerId: string, userId: string): Promise<ShownPresence> {
    if (viewerId !== userId && !(await this.#shared.any(viewerId, userId))) {
      throw new MatrixError('M_FORBIDDEN', 'You have no room in common with this user')
    }
    await this.#loading?.catch(() => undefined)
    const state = this.states.get(userId)
    if (state === undefined && !this.#isLocal(userId)) {
      throw new MatrixError('M_NOT_FOUND', 'Nothing is known of this user')
    }
    return shownPresence(state ?? OFFLINE, this.#parts.clock.now())
  }

  /** The content of an `m.presence` event. */
  content(state: PresenceState): JsonObject {
    return { ...state.profile, ...shownPresence(state, this.#parts.clock.now()) }
  }

  /** An `m.presence` EDU. */
  async receive(origin: string, content: JsonObject): Promise<void> {
    if (!this.enabled) return
    const now = this.#parts.clock.now()
    const updates = parsePresenceContent(origin, content)
    const unknown = updates
      .map(({ userId }) => userId)
      .filter(userId => this.states.get(userId) === undefined)
    const concerning = await concerningHere(origin, unknown, this.#parts.context.read)
    for (const update of updates) {
      const { userId, presence, statusMsg, currentlyActive, lastActiveAgo } = update
      const before = this.states.get(userId)
      const same = before !== undefined && looksLike(before, update)
      if (before === undefined && !concerning.has(userId)) continue
      const lastActiveTs = now - lastActiveAgo
      this.#remember(userId, { presence, statusMsg, currentlyActive, lastActiveTs, updatedTs: now })
      if (!same) this.#announcer.announce(userId)
    }
  }

  /** "An m.presence status update is sent, containing the new values of displayname and avatar_url." */
  profileChanged(userId: string, profile: DisplayProfile): void {
    if (!this.enabled) return
    this.#remember(userId, { ...(this.states.get(userId) ?? OFFLINE), profile })
    this.#announcer.announce(userId)
  }

  /**
   * A user has come into a room at a position of `events`: how those are who are there is news for them. Several processes may
   * see that.
   */
  welcome(newcomer: string, roomNid: number, cameIn: number): void {
    if (this.enabled) void this.#bulletin.welcome(newcomer, roomNid, cameIn)
  }

  /** A user has come into a room or left it: who is there now sees how they are, and they see the others. */
  async moved(userId: string, roomNid: number, isIn: Promise<boolean>): Promise<void> {
    if (this.enabled) await this.#announcer.moved(userId, roomNid, isIn)
  }

  /** The members of a room have come to be known: those of whom it is known how they are, are seen there from now on. */
  async completed(roomNid: number): Promise<void> {
    if (this.enabled) await announceLearnt(roomNid, this.states, this.#announcer, this.#parts.context.read)
  }

  /** The membership of a user of another server has changed: that may have come into the room, which would see nobody there. */
  met(userId: string, roomNid: number): void {
    if (this.enabled && !this.#isLocal(userId)) this.#announcer.met(userId, roomNid)
  }

  /** Ends a user's presence, as when their account is gone. */
  forget(userId: string): void {
    const state = this.states.get(userId)
    if (state?.statusMsg !== undefined) this.#remember(userId, { ...state, statusMsg: undefined })
    this.#local.forget(userId)
  }

  /** Reads what was written down before the last stop. */
  async load(): Promise<void> {
    if (!this.enabled) return
    this.#loading = this.#load()
    await this.#announcer.locate(await this.#loading)
    // Whoever has looked in between was not told of those whose rooms were not known yet.
    this.states.forgetChanges()
  }

  /** Writes down what has changed, and looks after those of whom nothing was heard. */
  async tidy(): Promise<void> {
    const now = this.#parts.clock.now()
    for (const [userId, state] of this.states.entries()) {
      if (state.presence === 'offline' || this.#isLocal(userId)) continue
      if (now - state.updatedTs < REMOTE_SILENCE_MS) continue
      this.#remember(userId, { ...state, presence: 'offline', currentlyActive: false })
      this.#announcer.announce(userId)
    }
    await this.#announcer.tellAgain(await this.#local.tellAgain())
    await this.#store.flush()
  }

  /** Resolves once everything that was to be announced is; of a user, once it is news here. */
  idle(userId?: string): Promise<void> {
    return userId === undefined ? this.#announcer.idle() : this.#announcer.told(userId)
  }

  async close(): Promise<void> {
    await this.#local.close()
    await this.idle()
    await this.#store.flush()
  }

  async #load(): Promise<string[]> {
    const loaded: string[] = []
    for (const { userId, ...stored } of await this.#store.load()) {
      const state = this.states.get(userId)
      if (state !== undefined) {
        // Back already: what they are doing is known better by now, but their status is not.
        this.states.set(userId, { ...state, statusMsg: state.statusMsg ?? stored.statusMsg })
        continue
      }
      this.states.set(userId, { ...stored, currentlyActive: false })
      if (stored.presence !== 'offline' && this.#isLocal(userId)) this.#local.judgeLater(userId, RETURN_MS)
      loaded.push(userId)
    }
    return loaded
  }

  #judged(userId: string, judgement: LocalJudgement): void {
    const before = this.states.get(userId) ?? OFFLINE
    const { presence, currentlyActive } = judgement
    const lastActiveTs = Math.max(judgement.lastActiveTs ?? 0, before.lastActiveTs)
    const same = before.presence === presence && before.currentlyActive === currentlyActive
    if (same && before.lastActiveTs === lastActiveTs) return
    this.#remember(userId, { ...before, presence, currentlyActive, lastActiveTs })
    if (!same) this.#announcer.announce(userId)
  }

  #remember(userId: string, state: PresenceState): void {
    const updatedTs = updatedAfter(this.states.get(userId), this.#parts.clock.now())
    this.states.set(userId, { ...state, updatedTs })
    this.#store.note({ ...state, userId, updatedTs })
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#parts.context.serverName
  }
}

const deviceOf = ({ deviceId = '' }: Requester): string => deviceId
