import type { OutboxWriter } from '../../../../storage/federation/outbox-writer.ts'
import type { KeptEdu, KeptEdus } from '../../../kept-edus.ts'
import type { OutboundContext } from '../context.ts'
import { type OutgoingEdu, payloadOf } from './outgoing-edu.ts'
import type { Term } from './term.ts'

/** An EDU that goes only to servers that can be reached now. What processes tell each other. */
type EphemeralEdu = {
  readonly destinations: readonly string[]
  readonly payload: string
  readonly key?: string
}

/** Takes EDUs for other servers, and passes them to the process that sends. */
export class EduIntake {
  readonly #context: OutboundContext
  readonly #write: OutboxWriter
  readonly #term: () => Term | undefined

  /** @param parts.term While this process is the one that sends. */
  constructor(parts: { context: OutboundContext; write: OutboxWriter; term: () => Term | undefined }) {
    this.#context = parts.context
    this.#write = parts.write
    this.#term = parts.term
    parts.context.core.context.processes.bulletin.on('edu', told => this.#pass(told as EphemeralEdu))
  }

  /** Queues an EDU. With `keep` it is durable when this resolves. */
  async queue(edu: OutgoingEdu): Promise<void> {
    const { db, processes } = this.#context.core.context
    if (edu.keep) {
      const { statements, committed } = this.keep([edu])
      if (statements.length === 0) return
      await db.commit({ statements })
      committed()
      return
    }
    const { key } = edu
    const told = {
      destinations: this.#reachable(edu),
      payload: payloadOf(edu),
      ...(key === undefined ? {} : { key }),
    }
    if (this.#term() !== undefined) this.#pass(told)
    // Where this process is alone, nothing is sent before it has begun, nor after its end.
    else if (!processes.bulletin.isAlone) await processes.bulletin.post('edu', told)
  }

  /**
   * What keeps EDUs until their destinations have them, for a write set that says more: all EDUs of the set go in by one
   * call, and `committed` is called once it is stored. Throws where a content cannot be sent, having done nothing.
   */
  keep(edus: readonly KeptEdu[]): KeptEdus {
    const reachable = edus
      .map(edu => ({ destinations: this.#reachable(edu), payload: payloadOf(edu), key: edu.key }))
      .filter(({ destinations }) => destinations.length > 0)
    return {
      statements: this.#write.addEdus(reachable, this.#context.clock.now()),
      committed: () => this.#term()?.addKept(new Set(reachable.flatMap(({ destinations }) => destinations))),
    }
  }

  #pass({ destinations, payload, key }: EphemeralEdu): void {
    for (const server of destinations) this.#term()?.destination(server)?.addEphemeral(payload, key)
  }

  #reachable({ destinations }: KeptEdu): string[] {
    const { serverName } = this.#context.core.context
    return [...new Set(destinations)].filter(server => server !== serverName && this.#context.permits(server))
  }
}
