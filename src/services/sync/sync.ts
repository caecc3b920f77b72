import { MatrixError } from '../../core/errors.ts'
import { importedPosition } from '../../core/imported-token.ts'
import { formatStreamToken, type StreamToken } from '../../core/stream-token.ts'
import { type Answer, andThen, together } from '../answer.ts'
import type { Body } from '../body.ts'
import type { Departure } from '../departure.ts'
import { heldToken, type ImportedFrom } from '../held-token.ts'
import type { Metrics } from '../metrics/index.ts'
import type { Requester } from '../requester.ts'
import type { IgnoredUsers } from '../rooms/ignored-users.ts'
import { type Invitations, type InvitationTexts, NO_INVITATIONS } from './invitations.ts'
import type { SentMembers } from './lazy-members.ts'
import type { Notifier } from './notifier.ts'
import { type Response, respond } from './response.ts'
import type { RoomWatch } from './room-watch.ts'
import type { RoomsNow } from './rooms-now.ts'
import type { RoomsStream } from './rooms-stream.ts'
import { type OfStream, remembered, type StreamEnds, streamEnds } from './stream-ends.ts'
import type { SyncFilters } from './sync-filters.ts'
import { deviceOf, type SyncRequest } from './sync-request.ts'
import { extrasByRoom, type SyncSource, topMembers } from './sync-source.ts'
import type { UserStream } from './user-stream.ts'

/** `GET /sync` as it was asked. */
export interface SyncQuery {
  readonly filter?: string | undefined
  readonly since?: string | undefined
  readonly fullState: boolean
  readonly timeoutMs: number
  readonly stateAfter: SyncRequest['stateAfter']
}

/** What `/sync` is made of. */
export interface SyncParts {
  readonly db: ImportedFrom
  readonly watch: RoomWatch
  readonly notifier: Notifier
  readonly rooms: RoomsStream
  readonly invitations: Invitations
  readonly invites: UserStream
  readonly sources: readonly SyncSource[]
  readonly filters: SyncFilters
  readonly ignoredUsers: IgnoredUsers
  readonly sentMembers: SentMembers
  /** The number of this process, where there are several. */
  readonly maker: number | undefined
  /** Waits until all events that are committed now can be told. */
  readonly ready: () => Answer<void>
  readonly metrics?: Metrics['sync'] | undefined
}

/** The longest that a client may wait, whatever it asks for: proxies and clients give up before. */
const MAX_TIMEOUT_MS = 120_000

/** What has happened in so many events may be nearly all there is. */
const FAR_BEHIND = 5_000

/**
 * `/sync`. Each stream says what is new for the user between two positions; a token is the positions that a response
 * ends at. Work is proportional to what changed for the user.
 */
export class Sync {
  readonly #parts: SyncParts
  readonly #always: readonly SyncSource[]
  readonly #byStream: readonly OfStream[]

  constructor(parts: SyncParts) {
    this.#parts = parts
    this.#always = parts.sources.filter(source => source.always !== undefined)
    const byStream = Map.groupBy(parts.sources, ({ stream }) => stream)
    this.#byStream = Array.from(byStream, ([stream, sources]) => ({ stream, sources }))
  }

  /** Whether the response may take about as long as one that tells all there is, as it does from a token of long ago, or made up. */
  tellsMuch({ since, fullState }: Pick<SyncQuery, 'since' | 'fullState'>): boolean {
    if (since === undefined || fullState) return true
    const token = heldToken(since, this.#parts.db)
    return token !== undefined && this.#parts.watch.position - (token.events ?? 0) > FAR_BEHIND
  }

  /**
   * The response as JSON text: at once if there is news (or `since`, or a wait, was not asked for), else as soon as
   * there is, at the latest after the time-out.
   *
   * Throws `M_INVALID_PARAM` for a token that is not this server's and for a bad filter.
   */
  async sync(requester: Requester, query: SyncQuery, departure: Departure): Promise<Body> {
    const { db, notifier, watch, filters, sentMembers, ready } = this.#parts
    const since = query.since === undefined ? undefined : heldToken(query.since, db)
    if (query.since !== undefined && since === undefined) throw noToken()
    const deadline = notifier.now() + Math.min(Math.max(query.timeoutMs, 0), MAX_TIMEOUT_MS)
    const named = filters.of(requester.userId, query.filter)
    const base = {
      requester,
      filter: named instanceof Promise ? await named : named,
      fullState: query.fullState,
      stateAfter: query.stateAfter,
      since: since === undefined ? undefined : (since.events ?? 0),
    }
    // What another process has answered in the meantime, perhaps from scratch, is not known here.
    if (since === undefined || since.maker !== this.#parts.maker)
      sentMembers.forget(deviceOf({ ...base, ignored: new Set() }))
    // Whatever was acknowledged before this request is told by it.
    const readied = ready()
    if (readied !== undefined) await readied
    const caughtUp = notifier.caughtUp()
    if (caughtUp !== undefined) await caughtUp
    // A token of Synapse from beyond all that was imported is that of another server.
    if (query.since !== undefined && (importedPosition(query.since) ?? 0) > watch.position) throw noToken()
    // From here on it is known which rooms the user is in, so that nothing is missed between looking and waiting.
    const entered = watch.enter(requester.userId)
    const leave = entered instanceof Promise ? await entered : entered
    try {
      return await this.#whenThereIsNews(base, this.#remembered(since), deadline, departure)
    } finally {
      leave()
    }
  }

  /** Among several processes positions do not go back: another may be ahead of this one. */
  #remembered(since: StreamToken | undefined): StreamToken | undefined {
    const { maker, sources } = this.#parts
    return since === undefined || maker !== undefined ? since : remembered(sources, since)
  }

  async #whenThereIsNews(
    base: Omit<SyncRequest, 'ignored'>,
    since: StreamToken | undefined,
    deadline: number,
    departure: Departure,
  ): Promise<Body> {
    const { notifier, ignoredUsers, metrics } = this.#parts
    const { userId } = base.requester
    const mayWait = since !== undefined && !base.fullState && deadline > notifier.now()
    const wait = mayWait ? notifier.wait(userId, deadline, departure) : undefined
    let worked = 0
    try {
      for (;;) {
        wait?.again()
        const started = notifier.now()
        const lists = ignoredUsers.lists(userId)
        const { users: ignored, missed } = lists instanceof Promise ? await lists : lists
        // Each by its name: V8 is slow to put objects together that have more than one shape.
        const { requester, filter, fullState, stateAfter } = base
        const ends = streamEnds(this.#byStream, since)
        const request = { requester, filter, fullState, stateAfter, since: base.since, ends, ignored, missed }
        const looked = this.#response(request, since, ends)
        const { isEmpty, body } = looked instanceof Promise ? await looked : looked
        worked += notifier.now() - started
        const isOver = notifier.now() >= deadline || departure.aborted || notifier.isClosed || wait?.isOver
        if (!isEmpty || wait === undefined || isOver) {
          metrics?.answered(since === undefined ? 'initial' : 'incremental', worked)
          return await body()
        }
        metrics?.waiting(1)
        await wait.woken
        metrics?.waiting(-1)
      }
    } finally {
      wait?.cancel()
    }
  }

  /** @param ends as they are now: all that can be told is of one moment */
  #response(request: SyncRequest, since: StreamToken | undefined, ends: StreamEnds): Answer<Response> {
    const { invites, sources } = this.#parts
    const now = this.#look(request)
    ends.events = now.upTo
    ends.invites = Math.max(invites.position, since?.invites ?? 0)
    if (this.#parts.maker !== undefined) ends.maker = this.#parts.maker
    const after = since && (since.invites ?? 0)
    const events = { after: request.since, upTo: now.upTo }
    const answers = together(
      sources.map(source => {
        const from = since && (since[source.stream] ?? 0)
        return source.news(request, from, ends[source.stream] ?? source.position(), events)
      }),
    )
    return andThen(answers, news => {
      // What does not fit into one response comes with the next.
      news.forEach(({ upTo }, index) => {
        const stream = sources[index]?.stream
        if (stream !== undefined && upTo !== undefined) ends[stream] = upTo
      })
      // Nearly always all that is told is counted, and that need not be said.
      if (ends.unread !== undefined && ends.unread >= now.upTo) ends.unread = undefined
      const isReviewed = news.some(({ reviewsInvitations }) => reviewsInvitations === true)
      return andThen(this.#invited(request, after, ends, isReviewed), invited => {
        const told = this.#parts.rooms.sections(request, now, extrasByRoom(news), invited)
        return andThen(told, sections =>
          respond({ always: () => this.#alwaysTold(request, ends), members: topMembers(news), sections }),
        )
      })
    })
  }

  /**
   * What is new of invitations; where not all of it fits, the token ends there.
   * @param isReviewed some of what was there before may not have been told
   */
  #invited(
    request: SyncRequest,
    after: number | undefined,
    ends: StreamEnds,
    isReviewed: boolean,
  ): Answer<InvitationTexts> {
    const { invites, invitations } = this.#parts
    const hasNews = after === undefined || invites.mayHaveNews(request.requester.userId, after)
    if (!hasNews && !isReviewed) return NO_INVITATIONS
    const told = invitations.texts(request, after, ends.invites ?? 0).then(invited => {
      if (invited.upTo !== undefined) ends.invites = invited.upTo
      return invited
    })
    return after === undefined || !isReviewed
      ? told
      : told.then(one => invitations.withPending(request, one, after))
  }

  #alwaysTold(request: SyncRequest, ends: StreamEnds): Answer<readonly string[]> {
    const token = `"next_batch":"${formatStreamToken(ends)}"`
    const texts = together(this.#always.map(source => source.always?.(request) ?? []))
    return andThen(texts, members => [token, ...members.flat()])
  }

  #look({ requester, since, fullState }: SyncRequest): RoomsNow {
    const { watch } = this.#parts
    const now = watch.look(requester.userId, since ?? 0, since === undefined || fullState)
    // Another process may have told the client of more than this one has followed: that is not told again.
    return since !== undefined && since > now.upTo ? { ...now, upTo: since, rooms: new Map() } : now
  }
}

const noToken = (): MatrixError => new MatrixError('M_INVALID_PARAM', 'since is not a token of this server')
