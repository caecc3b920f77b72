import type { Reader, WriteStatement } from '../../storage/database.ts'
import { PushActionWriter } from '../../storage/push/push-action-writer.ts'
import { PushActionReader } from '../../storage/push/push-actions.ts'
import type { NotificationCounter } from './counter.ts'

/**
 * What notifies a user of what people have sent whom they come to ignore: they are not shown it any more, and could not mark it as read.
 * It does not come back where they think better of it.
 */
export class IgnoredNotices {
  readonly #db: Reader
  readonly #read: PushActionReader
  readonly #write: PushActionWriter
  readonly #counter: Pick<NotificationCounter, 'counted'>

  constructor(db: Reader, counter: Pick<NotificationCounter, 'counted'>) {
    this.#db = db
    this.#read = new PushActionReader(db)
    this.#write = new PushActionWriter(db)
    this.#counter = counter
  }

  /** What takes it back: part of the commit by which they ignore these people. */
  async takenBack(userId: string, ignored: readonly string[]): Promise<readonly WriteStatement[]> {
    await this.#counter.counted(this.#db.position('events'))
    const places = await this.#read.ofSenders(userId, ignored)
    return this.#write.silence(places.map(place => ({ ...place, userId })))
  }
}
