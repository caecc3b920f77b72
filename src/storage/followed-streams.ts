import type { Prepared, Reader, StreamName, WriteStatement } from './database.ts'

/** Who counts what users have not read. */
export const COUNTER = 'push'
/** Who tells the inbox of notifications what comes of a stream. */
export const notificationsOf = (stream: StreamName): string => `notifications of ${stream}`
/** The application service that is told of what comes of a stream. */
export const appServiceFollows = (serviceId: string, stream: StreamName): string =>
  `appservice ${serviceId} ${stream}`
/** Those who follow the stream of events and tell users of what is new. */
export const NOTIFYING: readonly string[] = [COUNTER, notificationsOf('events')]

/** Remembers how far a follower of a stream has come, so that it goes on there after a restart. */
export class FollowedStreams {
  readonly #db: Reader
  readonly #read: Prepared
  readonly #write: Prepared
  readonly #advance: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#read = db.prepare('SELECT position FROM followed_streams WHERE name = ?')
    this.#write = db.prepare(
      `INSERT INTO followed_streams (name, position) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET position = excluded.position`,
    )
    this.#advance = db.prepare(
      `INSERT INTO followed_streams AS f (name, position) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE f.position = ?`,
    )
  }

  /** The position up to which the follower has done its work; 0 for one that never ran. */
  async position(follower: string): Promise<number> {
    return (await this.known(follower)) ?? 0
  }

  /** The same; `undefined` for one that never ran. */
  async known(follower: string): Promise<number | undefined> {
    return (await this.#db.get<{ position: number }>(this.#read, [follower]))?.position
  }

  reached(follower: string, position: number): WriteStatement {
    return { prepared: this.#write, rows: [[follower, position]] }
  }

  /** The same, provided that it is where it was last seen; otherwise the guard `followed` fails: another has gone on. */
  advanced(follower: string, from: number, to: number): WriteStatement {
    return {
      prepared: this.#advance,
      rows: [[follower, to, from]],
      guard: { name: 'followed', expected: 1 },
    }
  }
}
