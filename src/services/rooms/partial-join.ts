import type { PartialRoom } from '../../storage/rooms/partial-rooms.ts'

/** What a head knows of a join by which the room was entered without being told of its members. */
export class PartialJoin {
  readonly joinEventId: string
  /** The servers that were in the room then, without our own. */
  readonly servers: ReadonlySet<string>
  /** Where the join stands; not known while its commit is in flight. */
  joinedAt: number | undefined

  constructor(join: {
    joinEventId: string
    servers: Iterable<string>
    joinedAt?: number | undefined
    serverName: string
  }) {
    this.joinEventId = join.joinEventId
    this.joinedAt = join.joinedAt
    this.servers = new Set([...join.servers].filter(server => server !== join.serverName))
  }

  static of({ joinEventId, servers, joinedAt }: PartialRoom, serverName: string): PartialJoin {
    return new PartialJoin({ joinEventId, servers, joinedAt, serverName })
  }

  /** The position from which the state holds that lacks members. */
  get stateAt(): number {
    if (this.joinedAt === undefined) throw new Error('the join is not stored yet')
    return this.joinedAt - 1
  }
}
