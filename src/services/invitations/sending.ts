import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { contentOfTerms, type InvitationTerms } from '../../core/invitation-terms.ts'
import type { JsonObject } from '../../core/json.ts'
import type { InvitationRecord } from '../../storage/invitations/records.ts'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { isPassing } from '../passing.ts'
import type { RoomCore } from '../rooms/index.ts'
import { makeLocalEvent } from '../rooms/local-event.ts'
import type { ChangeOfOther, Memberships } from '../rooms/memberships.ts'
import { hasReplaced, replacementOf } from '../rooms/replacement.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationLimits } from './limits.ts'
import { type InvitationPlan, says, termsOfPlan } from './plan.ts'
import type { InvitationRecords } from './records.ts'
import { retryAt } from './retries.ts'
import { ended, isOpen, scheduled, termsOfRecord } from './status.ts'

/** More invitations of one user are hardly being put on record at the same moment: closer to the limit it is looked twice. */
const MAX_UNWRITTEN = 100

/** A room that was replaced again and again is followed so far. */
const MAX_REPLACEMENTS = 10

/** Sends invitations, now or later. */
export class InvitationSending {
  readonly #core: RoomCore
  readonly #memberships: Memberships
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #clock: Clock
  readonly #limits: InvitationLimits
  readonly #standing: (userId: string) => Promise<MatrixError | undefined>

  constructor(parts: {
    core: RoomCore
    memberships: Memberships
    records: InvitationRecords
    follower: InvitationFollower
    clock: Clock
    limits: InvitationLimits
    /** Why an account may not act any more, in its absence. */
    standing(userId: string): Promise<MatrixError | undefined>
  }) {
    this.#core = parts.core
    this.#memberships = parts.memberships
    this.#records = parts.records
    this.#follower = parts.follower
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#standing = parts.standing
  }

  /**
   * Invites somebody, or schedules that. Inviting again changes comment and times; where nothing changes, nothing happens.
   *
   * Throws `M_FORBIDDEN` (no right to invite, target joined or banned, too many pending), `M_INVALID_PARAM`, and what the
   * refusal of the invited user's server becomes.
   *
   * @param isWanted as for `Memberships.invite`
   */
  async send(
    invitation: ChangeOfOther,
    plan: InvitationPlan,
    isWanted?: () => Promise<boolean>,
  ): Promise<void> {
    const { roomId, userId, sender, reason, content = {} } = invitation
    const membership = (await this.#core.writer.head(roomId))?.memberships.get(userId)
    const isPending = membership === 'invite'
    // Whoever has a history in the room may have one on record that is just being written.
    if (membership !== undefined) await this.#follower.caughtUp()
    const record = await this.#records.read.one(roomId, userId)
    const terms = termsOfPlan(plan, reason)
    if (plan.deliverTs !== undefined) return this.#schedule(invitation, terms, plan.deliverTs)
    if (isPending && record?.status === 'invited' && says(record, sender, terms)) return
    const uid = this.#uidFor(record, sender, terms)
    const said = contentOfTerms({ ...terms, ...(uid === undefined ? {} : { uid }) })
    await this.#memberships.invite({ sender, userId, roomId, content: { ...content, ...said } }, isWanted)
  }

  /** The first one into a new room: what its server answers so late that it is kept meanwhile may be withdrawn by then. Throws as `send`. */
  sendFirst(invitation: ChangeOfOther, plan: InvitationPlan): Promise<void> {
    const { roomId, userId } = invitation
    return this.send(
      invitation,
      plan,
      async () => (await this.#records.read.one(roomId, userId))?.status !== 'cancelled',
    )
  }

  /**
   * Where one leads whose time has come: into the room that has replaced its own, as both of them say, if its inviter has gone there as well;
   * and what its user is there.
   */
  async destination(
    { roomId, inviter }: InvitationRecord,
    userId: string,
  ): Promise<{ readonly roomId: string; readonly membership: Membership | undefined }> {
    const { writer, context } = this.#core
    let head = await writer.head(roomId)
    for (let room = 0; room < MAX_REPLACEMENTS && head !== undefined; room++) {
      const next = await replacementOf(context.read, head)
      const replacement = next === undefined ? undefined : await writer.head(next.roomId)
      if (replacement?.memberships.get(inviter) !== 'join') break
      if (!(await hasReplaced(context.read, replacement, head))) break
      head = replacement
    }
    return { roomId: head?.room.roomId ?? roomId, membership: head?.memberships.get(userId) }
  }

  /** Sends one whose time has come, or whose invited user has become known, into a room. Throws as `send`. */
  async deliver(record: InvitationRecord, userId: string, roomId: string): Promise<void> {
    const { inviter: sender } = record
    const refusal = await this.#standing(sender)
    if (refusal !== undefined) throw refusal
    const content = { ...record.details.content, ...contentOfTerms(termsOfRecord(record)) }
    await this.#memberships.invite({ sender, userId, roomId, content })
  }

  /**
   * Keeps one that could not be sent, or has not been yet, as nobody waits for it any more. It is tried again as one that is sent later,
   * unless it was refused: then its inviter is told why.
   *
   * @param error why it was not sent, if that is known
   */
  async keep(invitation: ChangeOfOther, plan: InvitationPlan, error: unknown): Promise<void> {
    const { roomId, userId, sender: inviter, reason, content = {} } = invitation
    const now = this.#clock.now()
    const terms = termsOfPlan(plan, reason)
    const deliverTs = plan.deliverTs ?? retryAt(now, now)
    const planned = scheduled(
      { roomId, userId, inviter, deliverTs, terms, content, recordId: this.newId() },
      now,
    )
    const isRefused = error instanceof MatrixError && !isPassing(error)
    const outcome = isRefused ? ended('cancelled', now, { failure: failureOf(error) }) : undefined
    await this.#records.change(invitation, record => {
      const kept = planned(record)
      return kept === undefined || outcome === undefined ? kept : outcome(kept)
    })
  }

  /**
   * Throws `M_FORBIDDEN` if one of the two sides has as many pending invitations as one may have. Changing one of them is
   * always possible.
   */
  async checkBounds(sender: string, userId: string, roomId: string): Promise<void> {
    const record = await this.#records.read.one(roomId, userId)
    const isPending = record !== undefined && isOpen(record)
    if (!(isPending && record.inviter === sender)) await this.checkSent(sender)
    if (!isPending) await this.checkReceived(userId)
  }

  /** The same for an invitation from another server, whose users are that server's matter. */
  async checkIncoming(invitation: { readonly userId: string; readonly roomId: string }): Promise<void> {
    const { userId, roomId } = invitation
    const record = await this.#records.read.one(roomId, userId)
    if (record === undefined || !isOpen(record)) await this.checkReceived(userId)
  }

  /** Throws `M_FORBIDDEN` if somebody may not have `more` invitations pending. */
  async checkSent(sender: string, more = 1): Promise<void> {
    const { maxSent } = this.#limits
    const known = await this.#records.read.pending('sent', sender, maxSent)
    if (known + more <= maxSent - MAX_UNWRITTEN) return
    await this.#follower.caughtUp()
    const pending = await this.#records.read.pending('sent', sender, maxSent)
    if (pending + more <= maxSent) return
    throw new MatrixError('M_FORBIDDEN', `You have ${pending} pending invitations; ${maxSent} are allowed`)
  }

  /** Throws `M_FORBIDDEN` if somebody has as many pending invitations as one may have. */
  async checkReceived(userId: string): Promise<void> {
    const { maxReceived } = this.#limits
    if ((await this.#records.read.pending('received', userId, maxReceived)) < maxReceived) return
    throw new MatrixError('M_FORBIDDEN', `${userId} has too many pending invitations`)
  }

  async #schedule(invitation: ChangeOfOther, terms: InvitationTerms, deliverTs: number): Promise<void> {
    const { roomId, userId, sender: inviter, content = {} } = invitation
    await this.#memberships.checkInvitation(invitation)
    const recordId = this.newId()
    await this.#checkRoom(invitation, { ...content, ...contentOfTerms({ ...terms, uid: recordId }) })
    const change = scheduled(
      { roomId, userId, inviter, deliverTs, terms, content, recordId },
      this.#clock.now(),
    )
    if ((await this.#records.change({ roomId, userId }, change)) === undefined) {
      throw new MatrixError('M_FORBIDDEN', `${userId} is invited already, or going to be by somebody else`)
    }
  }

  /** Whether the room would take the invitation now: an impossible one is refused at once, not at its time. Throws as `makeLocalEvent`. */
  async #checkRoom({ roomId, userId, sender }: ChangeOfOther, said: JsonObject): Promise<void> {
    const { writer, context, signingKey } = this.#core
    const head = await writer.head(roomId)
    if (!head?.hasHost(context.serverName)) {
      throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
    }
    const content = { ...said, membership: 'invite' }
    await makeLocalEvent(context, signingKey, head, {
      type: 'm.room.member',
      sender,
      stateKey: userId,
      content,
    })
  }

  /** What calendars are to call it; plain invitations stay plain. */
  #uidFor(record: InvitationRecord | undefined, sender: string, terms: InvitationTerms): string | undefined {
    if (record?.status === 'scheduled' && record.inviter === sender) return record.recordId
    if (terms.expiresTs === undefined && terms.event === undefined) return undefined
    return record?.status === 'invited' ? (record.details.uid ?? record.recordId) : this.newId()
  }

  /** Throws `M_FORBIDDEN` where nobody could be invited in this way, whoever they turn out to be; and as `makeLocalEvent`. */
  async checkHeld(
    { sender, userId, roomId, content = {} }: ChangeOfOther,
    terms: InvitationTerms,
  ): Promise<void> {
    const record = await this.#records.read.one(roomId, userId)
    if (record === undefined || !isOpen(record)) await this.checkSent(sender)
    const whoever = { sender, roomId, userId: `@_:${this.#core.context.serverName}` }
    await this.#checkRoom(whoever, { ...content, ...contentOfTerms(terms) })
  }

  /** An ID that no other invitation has. */
  newId(): string {
    return Buffer.from(this.#core.context.random(18)).toString('base64url')
  }
}

/** What its inviter is told of why it could not be sent. */
export const failureOf = (error: unknown): { readonly errcode: string; readonly error: string } =>
  error instanceof MatrixError
    ? { errcode: error.errcode, error: error.message }
    : { errcode: 'M_UNKNOWN', error: 'It could not be delivered' }
