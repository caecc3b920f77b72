import type { Database } from '../storage/database.ts'

/** A database whose next read of a row, once made, is answered only when the test says so. */
export const holdable = (database: Database) => {
  let next: { read: () => void; released: Promise<void> } | undefined
  const held = new Proxy(database, {
    get(target, name) {
      if (name !== 'get') {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      }
      const get: Database['get'] = async (prepared, parameters) => {
        const pause = next
        next = undefined
        const row = await target.get<never>(prepared, parameters)
        pause?.read()
        await pause?.released
        return row
      }
      return get
    },
  })
  const hold = () => {
    const [read, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    next = { read: read.resolve, released: released.promise }
    return { read: read.promise, release: released.resolve }
  }
  return { held, hold }
}
