import { growingCache } from '../../../../core/growing-cache.ts'
import { type BackoffPolicy, DEFAULT_BACKOFF } from '../../../../network/backoff.ts'
import type { Writer, WriteStatement } from '../../../../storage/database.ts'
import { OutboxReader } from '../../../../storage/federation/outbox-reader.ts'
import { OutboxWriter } from '../../../../storage/federation/outbox-writer.ts'
import { RelayedEventReader } from '../../../../storage/federation/relayed-events.ts'
import { type Held, type Lease, LeaseLost } from '../../../lease.ts'
import type { Processes } from '../../../processes.ts'
import type { OutboundContext } from '../context.ts'
import { DEFAULT_LANES, type LaneOptions, Lanes } from '../lanes.ts'
import { Distributor } from './distributor.ts'
import { EduIntake } from './edu-intake.ts'
import { Newcomers } from './newcomers.ts'
import { Recipients } from './recipients.ts'
import type { SenderContext } from './sender-context.ts'
import { Term } from './term.ts'
import { createTransact } from './transact.ts'
import { LONG_ABSENCE_MS, wakePeers } from './wake-peers.ts'

/** Servers that were in a room without anybody knowing, since a position. */
export interface MissedPart {
  readonly roomNid: number
  readonly servers: readonly string[]
  readonly since: number
}

/** What has servers sent what they missed, as a part of somebody else's write set. */
export interface CatchUp {
  readonly statements: readonly WriteStatement[]
  readonly committed: () => Promise<void>
}

export interface SenderOptions {
  readonly policy?: BackoffPolicy
  readonly lanes?: LaneOptions
}

/** Of the servers that we share rooms with, so many are told that we are back. */
const MAX_WOKEN = 2_000
/** So often the process that sends is told at most that a server is there. */
const TELL_AGAIN_MS = 5_000
const DAY_MS = 24 * 60 * 60_000
/** What nobody has taken for so long is given up, and who was not heard of is forgotten. */
const RETENTION_MS = 90 * DAY_MS

/**
 * Sends this server's events and EDUs to the servers that are to have them, each over a queue of its own (server-server
 * API, "Transactions"). Nothing that must arrive is in memory alone.
 */
export class FederationSender {
  /** Takes EDUs for other servers. */
  readonly edus: EduIntake
  readonly #context: OutboundContext
  readonly #read: OutboxReader
  readonly #write: OutboxWriter
  readonly #shared: Omit<SenderContext, 'database' | 'closing'>
  readonly #recipients: Recipients
  readonly #handedIn = growingCache<string, true>(10_000)
  readonly #closing = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly #txnPrefix: string
  readonly #processes: Processes
  readonly #lease: Lease
  /** Servers of which the process that sends was told lately that they are there → when. */
  readonly #toldOf = growingCache<string, number>(10_000)
  /** While this process is the one that sends. */
  #term: Term | undefined
  #txnCount = 0

  constructor(context: OutboundContext, options: SenderOptions = {}) {
    this.#context = context
    const { core, clock, log, permits } = context
    const { db: database, random } = core.context
    this.#txnPrefix = Buffer.from(random(6)).toString('base64url')
    this.#read = new OutboxReader(database, core.context.read.news)
    this.#write = new OutboxWriter(database)
    this.#shared = {
      read: this.#read,
      write: this.#write,
      clock,
      log,
      permits,
      policy: options.policy ?? DEFAULT_BACKOFF,
      fraction: () => Buffer.from(random(4)).readUInt32BE() / 2 ** 32,
      lanes: new Lanes(clock, options.lanes ?? DEFAULT_LANES),
      transact: createTransact(context, this.#closing.signal),
      newTxnId: () => `${clock.now()}-${this.#txnPrefix}-${this.#txnCount++}`,
      onSetAside: kind => context.metrics?.setAside(kind),
      isFor: async (server, rows) => {
        const addressed = await this.#recipients.address(rows)
        return new Set(addressed.flatMap(one => (one.servers.includes(server) ? one.stored.nid : [])))
      },
      stickyFor: async (server, room, limit) => {
        const { sticky } = core.context.read
        const now = clock.now()
        if (!(await sticky.live(now)).has(room.roomNid)) return []
        const isIn = await this.#recipients.isIn(server, room.roomNid, database.position('events'))
        return isIn ? sticky.own(room, now, limit) : []
      },
      onBack: server => void this.#processes.bulletin.post('heard of', server),
      onIdle: destination => {
        if (destination.isIdle) this.#term?.forget(destination.server)
      },
    }
    this.#recipients = new Recipients({
      read: core.context.read,
      outbox: this.#read,
      relayed: new RelayedEventReader(database),
      serverName: core.context.serverName,
      permits,
      isHandedIn: eventId => this.#handedIn.has(eventId),
      log,
    })
    this.#processes = core.context.processes
    this.#lease = this.#processes.lease('federation sender')
    this.edus = new EduIntake({ context, write: this.#write, term: () => this.#term })
    const { bulletin } = this.#processes
    bulletin.on('heard of', server => this.#term?.heardOf(String(server)))
    bulletin.on('earlier events', servers => this.#term?.addEarlier(servers as string[]))
  }

  /** Another server has taken an event of ours from our hands, and passes it on. */
  handedIn(eventId: string): void {
    this.#handedIn.set(eventId, true)
  }

  /**
   * Begins to follow the events, and goes on where the last process ended. Of several processes on a database one sends;
   * resolves when this one does, or when it has to wait.
   */
  async start(): Promise<void> {
    const begun = Promise.withResolvers<void>()
    const lead = (held: Held): Promise<void> => this.#lead(held, begun.resolve)
    this.#running.push(this.#lease.run(this.#closing.signal, lead, begun.resolve))
    await begun.promise
  }

  /** Sends until another process does, or the sender is closed. */
  async #lead({ signal, commit, idleMs = 0 }: Held, onBegun: () => void): Promise<void> {
    const { clock, log } = this.#shared
    const { db } = this.#context.core.context
    const database: Writer = { commit, onCommit: listener => db.onCommit(listener) }
    const context: SenderContext = { ...this.#shared, database, closing: signal }
    const term = new Term(context)
    this.#term = term
    const stop = term.followEdus(db)
    try {
      await term.takeUp()
      onBegun()
      const distributor = new Distributor({
        database: { ...database, position: stream => db.position(stream) },
        ...{ read: this.#read, write: this.#write, recipients: this.#recipients, clock, log },
        newcomers: new Newcomers({
          read: this.#context.core.context.read,
          recipients: this.#recipients,
          clock,
        }),
        deliver: addressed => term.deliver(addressed),
        deliverEarlier: servers => term.addEarlier(servers),
      })
      const returned = idleMs < LONG_ABSENCE_MS ? undefined : this.#wakePeers(context)
      await Promise.all([distributor.run(signal), this.#housekeeping(context), returned])
    } finally {
      stop()
      this.#term = undefined
      await term.settled()
      onBegun()
    }
  }

  /** Ends what is under way. What was not acknowledged is sent again after the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running)
  }

  /** The server has sent us a request: it is there, and may be tried again. */
  resetBackoff(server: string): void {
    const { bulletin } = this.#processes
    if (this.#term === undefined && !bulletin.isAlone) this.#tellOf(server)
    // The others may not ask it for keys of devices as long as it is silent.
    if (this.#term?.heardOf(server) === true) void bulletin.post('heard of', server)
  }

  /** Tells the others, the process that sends among them, if that waits for this server. */
  #tellOf(server: string): void {
    const { clock, log } = this.#shared
    if (clock.now() - (this.#toldOf.get(server) ?? 0) < TELL_AGAIN_MS) return
    this.#toldOf.set(server, clock.now())
    this.#read.isFailing(server).then(
      isFailing => (isFailing ? this.#processes.bulletin.post('heard of', server) : undefined),
      error => log.warn({ server, err: error }, 'it is not known whether a server is waited for'),
    )
  }

  /**
   * Sends servers what they missed of a room since a position, because nobody knew that they were in it: for the write set
   * that makes it known. `committed` is called once it is stored.
   */
  async catchUp(missed: MissedPart): Promise<CatchUp> {
    const { db, read } = this.#context.core.context
    const { roomNid, servers, since } = missed
    const newest = (await read.events.newestAt(roomNid, db.position('events')))?.position ?? since
    const told = servers.filter(server => this.#context.permits(server))
    return {
      statements: this.#write.addEarlier(told.map(server => ({ server, roomNid, since, newest }))),
      committed: async () => {
        if (this.#term !== undefined) this.#term.addEarlier(told)
        else if (told.length > 0) await this.#processes.bulletin.post('earlier events', told)
      },
    }
  }

  /** After a long absence of ours. */
  async #wakePeers({ clock, log, closing: signal, newTxnId, permits }: SenderContext): Promise<void> {
    const { core, federation } = this.#context
    const { serverName: origin } = core.context
    const hosts = (await this.#read.hostsByMembers(MAX_WOKEN)).filter(
      host => host !== origin && permits(host),
    )
    log.info({ servers: hosts.length }, 'this server was away for long: others are told that it is back')
    await wakePeers(hosts, { federation, origin, newTxnId, clock, log, signal })
  }

  async #housekeeping({ clock, database, write, log, closing: signal }: SenderContext): Promise<void> {
    while (!signal.aborted) {
      await database.commit({ statements: write.expire(clock.now() - RETENTION_MS) }).catch(error => {
        if (!(error instanceof LeaseLost))
          log.error({ err: error }, 'old entries of the outbox could not be removed')
      })
      await clock.sleep(DAY_MS, signal).catch(() => undefined)
    }
  }
}
