import { MatrixError } from '../../core/errors.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { MAX_PREV_EVENTS } from '../../core/event/fields.ts'
import { needsNoPolicy, type PolicyServer } from '../../core/policy-server.ts'
import type { SigningKey } from '../../core/signing.ts'
import { type Answer, andThen } from '../answer.ts'
import { SerialQueue } from '../serial-queue.ts'
import { type EventTemplate, makeLocalEvent } from './local-event.ts'
import { isDeserted, isOwnJoin, isOwnLeave } from './membership-content.ts'
import { draftOf, type SendOptions, type Sent, statementsBeside } from './own-draft.ts'
import { receiveEvent } from './receive.ts'
import { asksForRedaction } from './redact-on-ban.ts'
import type { RoomHead } from './room-head.ts'
import { policyServerOf, recommended, recommendedIfPossible } from './room-policy.ts'
import type { Draft, RoomWriter, Settled } from './room-writer.ts'
import { SentTransactions } from './sent-transactions.ts'
import { unchangedState } from './unchanged-state.ts'

export type { SendOptions, Sent } from './own-draft.ts'

/** An event that its policy server is to be asked about, or the answer where there is nothing to send. */
type Built =
  | { readonly sent: Sent[] }
  | { readonly event: RoomEvent; readonly policy: PolicyServer | undefined }

/** All in one commit, each in one of its own, or by way of the room's policy server. */
type Way = 'at once' | 'one by one' | 'recommended'

const hasTooManyEnds = ({ extremities }: RoomHead): boolean => extremities.length > MAX_PREV_EVENTS

/** Refuses what is sent into a room in which nobody of this server is, or is any more. */
export class NobodyHere extends MatrixError {
  constructor() {
    super('M_FORBIDDEN', 'Nobody on this server is in the room')
  }
}

/** Sends local users' events into rooms. */
export class RoomSender {
  readonly #writer: RoomWriter
  readonly #signingKey: SigningKey
  /** One at a time in each room with a policy server, so that our own events do not fork the room. */
  readonly #policed = new SerialQueue()
  readonly #transactions: SentTransactions

  constructor(writer: RoomWriter, signingKey: SigningKey) {
    this.#writer = writer
    this.#transactions = new SentTransactions(writer.context.read.transactions)
    this.#signingKey = signingKey
  }

  /**
   * Sends one event. The answer comes when it is durable.
   *
   * A state event whose content is the current state already is not sent again: the answer is the event that holds.
   * Throws `M_FORBIDDEN` (also of a room that is unknown here, and `NobodyHere`), `M_TOO_LARGE`.
   */
  send(roomId: string, template: EventTemplate, options: SendOptions = {}): Promise<Sent> {
    const { transaction } = options
    const send = async (): Promise<Sent> => {
      const [sent] = await this.#send(roomId, [template], options)
      if (sent === undefined) throw new Error('no event was sent')
      return sent
    }
    return transaction === undefined ? send() : this.#transactions.once(transaction, send, sentBefore)
  }

  /** Sends several events in one commit, each building on the one before. */
  async sendAll(
    roomId: string,
    templates: readonly EventTemplate[],
    options: Omit<SendOptions, 'transaction'> = {},
  ): Promise<Sent[]> {
    return await this.#send(roomId, templates, options)
  }

  #send(roomId: string, templates: readonly EventTemplate[], options: SendOptions): Answer<Sent[]> {
    // The write itself looks at what other processes have done, and comes back here where that changes how it is done.
    return andThen(this.#writer.recentHead(roomId), head => {
      // Who is not in a room does not learn whether there is one.
      if (head === undefined) throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
      return andThen(this.#wayOf(head, templates), way => {
        if (way === 'one by one') return this.#sendEach(roomId, templates, options)
        if (way === 'recommended')
          return this.#policed.run(roomId, () => this.#sendRecommended(roomId, templates, options))
        return this.#sendAtOnce(roomId, templates, options)
      })
    })
  }

  /** How events are sent into a room, by what its head says of it. */
  #wayOf(head: RoomHead, templates: readonly EventTemplate[]): Answer<Way> {
    return andThen(policyServerOf(this.#writer.context, head), policy => {
      const isPoliced = policy !== undefined && !templates.every(needsNoPolicy)
      // An event that leaves ends out needs to know the states after them, which are those of stored events.
      if (templates.length > 1 && (isPoliced || hasTooManyEnds(head))) return 'one by one'
      return isPoliced ? 'recommended' : 'at once'
    })
  }

  #sendAtOnce(roomId: string, templates: readonly EventTemplate[], options: SendOptions): Promise<Sent[]> {
    // What is still on its way into the database could not be found to be redacted.
    const removes = templates.some(asksForRedaction)
    const draft = (at: RoomHead) =>
      andThen<Way, Draft<Sent[] | undefined> | Settled<Sent[] | undefined>>(
        this.#wayOf(at, templates),
        way => (way === 'at once' ? this.#draft(at, templates, options) : { settled: undefined }),
      )
    const settled = removes || hasTooManyEnds
    return this.#writer
      .update<Sent[] | undefined>(roomId, draft, { settled })
      .then(sent => sent ?? this.#send(roomId, templates, options))
  }

  async #sendEach(
    roomId: string,
    templates: readonly EventTemplate[],
    { check, statements, ...shared }: Omit<SendOptions, 'transaction'>,
  ): Promise<Sent[]> {
    const sent: Sent[] = []
    for (const [index, template] of templates.entries()) {
      const isLast = index === templates.length - 1
      const own: SendOptions = {
        ...shared,
        ...(index === 0 && check !== undefined ? { check } : {}),
        // Should a later one be refused, what goes with the first has happened all the same.
        ...(statements !== undefined && (typeof statements === 'function' ? isLast : index === 0)
          ? { statements }
          : {}),
      }
      sent.push(await this.send(roomId, template, own))
    }
    return sent
  }

  /**
   * Sends an event in a room with a policy server: "*all* servers in that room MUST ask that Policy Server for a
   * signature before sending an event". The room moves on meanwhile; the event then stands where it was made, on a fork.
   */
  async #sendRecommended(
    roomId: string,
    templates: readonly EventTemplate[],
    options: SendOptions,
  ): Promise<Sent[]> {
    const { transaction } = options
    const { context } = this.#writer
    const before = transaction && (await context.read.transactions.eventOf(transaction))
    if (before !== undefined) return [sentBefore(before)]
    const built = await this.#writer.update<Built>(roomId, async head => {
      const settled = await this.#settled(head, templates, options)
      if (settled !== undefined) return { settled: { sent: settled } }
      const [template] = templates
      if (template === undefined) throw new Error('no event to send')
      const { event } = await makeLocalEvent(context, this.#signingKey, head, template)
      return { settled: { event, policy: await policyServerOf(context, head) } }
    })
    if ('sent' in built) return built.sent
    const withoutPolicy = isOwnLeave(built.event)
    const event = await (withoutPolicy ? recommendedIfPossible : recommended)(
      this.#writer,
      built.policy,
      built.event,
    )
    const received = await receiveEvent(this.#writer, event, {
      withoutPolicy,
      statements: nid => statementsBeside(context, options, { id: event.eventId, nid }),
    })
    if (received.outcome === 'accepted') {
      return [{ eventId: event.eventId, event, position: received.position }]
    }
    throw new MatrixError('M_FORBIDDEN', 'reason' in received ? received.reason : 'The room has changed')
  }

  /** The answer where nothing is to be sent. Throws where it must not be. */
  #settled(
    head: RoomHead,
    templates: readonly EventTemplate[],
    options: SendOptions,
  ): Answer<Sent[] | undefined> {
    const { serverName, read } = this.#writer.context
    const unchanged = (): Answer<Sent[] | undefined> => {
      if (!head.hasHost(serverName) && !(templates.every(isOwnJoin) && isDeserted(head, serverName)))
        throw new NobodyHere()
      const same = options.always === true ? undefined : unchangedState(read, head, templates)
      return same instanceof Promise ? same.then(repeating) : repeating(same)
    }
    const checked = options.check?.(head)
    return checked === undefined ? unchanged() : checked.then(unchanged)
  }

  #draft(
    head: RoomHead,
    templates: readonly EventTemplate[],
    options: SendOptions,
  ): Answer<Draft<Sent[]> | Settled<Sent[]>> {
    return andThen<Sent[] | undefined, Draft<Sent[]> | Settled<Sent[]>>(
      this.#settled(head, templates, options),
      settled =>
        settled === undefined
          ? draftOf(this.#writer.context, this.#signingKey, head, templates, options)
          : { settled },
    )
  }
}

const repeating = (eventId: string | undefined): Sent[] | undefined =>
  eventId === undefined ? undefined : [sentBefore(eventId)]

const sentBefore = (eventId: string): Sent => ({ eventId, event: undefined, position: undefined })
