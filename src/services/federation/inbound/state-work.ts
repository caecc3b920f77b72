import { MatrixError } from '../../../core/errors.ts'
import { SerialQueue } from '../../serial-queue.ts'

/** Counts work for the server that asks for it. Throws `M_LIMIT_EXCEEDED` where that server has had too much of it. */
export type CountWork = (units: number) => void

/** So many events are a unit of work beside that of asking at all. */
const EVENTS = 100

/** Units of work that an answer of so many events is, once they are found. */
const unitsOf = (events: number): number => Math.floor(events / EVENTS)

/**
 * What other servers have looked up of the states of rooms, which may be hundreds of thousands of events: for each server one thing
 * after another, so that it is known what the last was when the next is begun.
 */
export class StateWork {
  readonly #turns = new SerialQueue()

  /**
   * Looks something up.
   *
   * @param eventsIn how many events what was found is worth
   * @throws what `count` throws: before it is looked up, or once it is known how much it is
   */
  run<T>(
    origin: string,
    count: CountWork,
    find: () => Promise<T>,
    eventsIn: (found: T) => number,
  ): Promise<T> {
    return this.#turns.run(origin, async () => {
      count(1)
      const found = await find()
      count(unitsOf(eventsIn(found)))
      return found
    })
  }
}

/** Counts the events of an answer that is given in any case: who has had too much is refused the next. */
export const countAnswered = (count: CountWork, events: number): void => {
  try {
    count(unitsOf(events))
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
  }
}
