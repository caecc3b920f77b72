import type { Database } from '../storage/database.ts'

/** Counts the statements that a database is asked to read by. */
export const countedReads = (database: Database) => {
  let count = 0
  const counting =
    <A extends unknown[], R>(method: (...given: A) => R) =>
    (...given: A): R => {
      count += 1
      return method.apply(database, given)
    }
  const [all, get, scan] = [counting(database.all), counting(database.get), counting(database.scan)]
  const reader = new Proxy(database, {
    get: (target, name) => {
      const known = { all, get, scan }[String(name)]
      const value: unknown = known ?? Reflect.get(target, name)
      return typeof value === 'function' && known === undefined ? value.bind(target) : value
    },
  })
  const during = async (work: () => Promise<unknown>): Promise<number> => {
    const before = count
    await work()
    return count - before
  }
  return { database: reader, during }
}
