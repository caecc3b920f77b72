import type { Database } from '../../../../storage/database.ts'
import { persevere } from '../../../persevere.ts'
import { Destination } from './destination.ts'
import type { Addressed } from './recipients.ts'
import type { SenderContext } from './sender-context.ts'

/** The time in which this process is the one that sends, with the queues of all destinations. */
export class Term {
  readonly #context: SenderContext
  readonly #destinations = new Map<string, Destination>()
  /** Until it is known what an earlier process has left: for whom something has come in the meantime. */
  #early: Set<string> | undefined = new Set()

  constructor(context: SenderContext) {
    this.#context = context
  }

  /** Begins with what an earlier process has left. */
  async takeUp(): Promise<void> {
    const { read } = this.#context
    const pending = new Set(await read.pendingServers())
    for (const { server, ...backoff } of await read.failing()) {
      const known = { inDatabase: pending.delete(server), backoff }
      this.#destinations.set(server, new Destination(server, this.#context, known))
    }
    for (const server of pending) {
      this.#destinations.set(server, new Destination(server, this.#context, { inDatabase: true }))
    }
    const early = this.#early ?? []
    this.#early = undefined
    this.addEarlier(early)
    this.addKept(early)
    for (const destination of this.#destinations.values()) destination.wake()
  }

  /** Other processes keep EDUs, too, where there may be others. Answers what ends it. */
  followEdus(database: Database): () => void {
    if (database.dialect.name === 'sqlite') return () => undefined
    const { read, clock, log, closing: signal } = this.#context
    let seen = database.position('federation_edus')
    let following = Promise.resolve()
    const follow = async (): Promise<void> => {
      const upTo = database.position('federation_edus')
      if (upTo <= seen) return
      const servers = await read.eduServers(seen, upTo)
      seen = upTo
      if (!signal.aborted) this.addKept(servers)
    }
    const failed = (error: unknown): void => log.error({ err: error }, 'it is not known for whom EDUs are')
    return database.onCommit(moved => {
      if (!moved.has('federation_edus')) return
      following = following.then(() => persevere(follow, { clock, signal, failed }))
    })
  }

  /** Kept EDUs for these servers are in the database. */
  addKept(servers: Iterable<string>): void {
    for (const server of servers) {
      if (this.#early === undefined) this.destination(server)?.addKeptEdu()
      else this.#early.add(server)
    }
  }

  /** Events for these servers are in the database that are older than what they have got. */
  addEarlier(servers: Iterable<string>): void {
    for (const server of servers) {
      if (this.#early === undefined) this.destination(server)?.addEarlierEvents()
      else this.#early.add(server)
    }
  }

  /** The queue of a server; `undefined` until it is known what an earlier process has left. */
  destination(server: string): Destination | undefined {
    if (this.#early !== undefined) return undefined
    const known = this.#destinations.get(server)
    if (known !== undefined) return known
    const made = new Destination(server, this.#context, { inDatabase: false })
    this.#destinations.set(server, made)
    return made
  }

  deliver(addressed: readonly Addressed[]): void {
    for (const { stored, position, servers } of addressed) {
      const event = { position, roomNid: stored.roomNid, nid: stored.nid }
      for (const server of servers) this.destination(server)?.addEvent(event)
    }
  }

  /** A server is there again; answers whether that is news. */
  heardOf(server: string): boolean {
    return this.#destinations.get(server)?.heardOf() ?? false
  }

  forget(server: string): void {
    this.#destinations.delete(server)
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#destinations.values()].map(one => one.settled))
  }
}
