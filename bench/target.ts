import { Connection } from './connection.ts'
import type { Account } from './matrix.ts'
import { processUsage, type Usage } from './process-usage.ts'
import { type RegistrationWay, register } from './registration.ts'

/** What makes a running server measurable. */
export interface TargetOptions {
  name: string
  url: string
  /** Its processes, without descendants; empty when unknown: then CPU and memory stay blank. */
  pids: readonly number[]
  /** Those of its database, where that is a server of its own that is known. */
  databasePids?: readonly number[]
  registration: RegistrationWay
}

/** Connections that the setup uses at a time: enough to hide latency, few enough to not be a load test. */
const setupConnections = 8

/** A server under load: the one in question, or the echo. Accounts are made once and shared by all scenarios. */
export class Target {
  readonly name: string
  readonly url: string
  private readonly options: TargetOptions
  private readonly made: Account[] = []
  private readonly runId = Date.now().toString(36)
  private transactions = 0

  constructor(options: TargetOptions) {
    this.name = options.name
    this.url = options.url
    this.options = options
  }

  /** @returns CPU and memory of its processes up to now; undefined when no process is known */
  usage(): Usage | undefined {
    return processUsage(this.options.pids)
  }

  /** @returns the same for its database */
  databaseUsage(): Usage | undefined {
    return processUsage(this.options.databasePids ?? [])
  }

  /** How many accounts there are. */
  get accountsMade(): number {
    return this.made.length
  }

  /** @returns a transaction id that no request to this server has used, in this run or another */
  transactionId(): string {
    this.transactions += 1
    return `${this.runId}.${this.transactions}`
  }

  /** @returns `count` accounts, the same ones at each call, registering those that are missing */
  async accounts(count: number): Promise<Account[]> {
    const names: string[] = []
    for (let n = this.made.length; n < count; n++) names.push(`bench-${this.runId}-${n}`)
    const added = await this.inParallel(names, (connection, name) =>
      register(connection, this.options.registration, name),
    )
    this.made.push(...added)
    return this.made.slice(0, count)
  }

  /** @returns a new connection, which the caller closes */
  connection(): Connection {
    return new Connection(this.url)
  }

  /** @returns new connections, which the caller closes */
  connections(count: number): Connection[] {
    return Array.from({ length: count }, () => this.connection())
  }

  /**
   * Runs setup work over a few connections. Fails with the first failure.
   * @returns the results in the order of the items
   */
  async inParallel<Item, Result>(
    items: readonly Item[],
    work: (connection: Connection, item: Item) => Promise<Result>,
  ): Promise<Result[]> {
    const results: Result[] = []
    const queue = items.entries()
    const connections = this.connections(Math.min(setupConnections, items.length))
    try {
      await Promise.all(
        connections.map(async connection => {
          for (const [index, item] of queue) results[index] = await work(connection, item)
        }),
      )
    } finally {
      for (const connection of connections) connection.close()
    }
    return results
  }
}
