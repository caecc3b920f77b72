import { createRequire } from 'node:module'

/** What passwords are hashed by. Most of it is in a package of its own for each sort of machine, which installs may leave out. */
const HASHING = '@node-rs/argon2'

interface Modules {
  (name: string): unknown
  resolve(name: string): string
}

/**
 * The package by which passwords are hashed on this machine, if it is not installed. It is loaded with the first password (it takes 3 MB),
 * which is too late to be told.
 */
export const missingPasswordPackage = (
  modules: Modules = seenByIt(),
  machine = `${process.platform}-${process.arch}`,
): string | undefined => {
  const names = packagesOf(modules)
  if (names === undefined) return HASHING
  const ours = names.filter(name => name.startsWith(`${HASHING}-${machine}`))
  const isThere = ours.length === 0 || ours.some(name => canResolve(modules, name))
  return isThere ? undefined : ours.join(' or ')
}

/** Modules as the package itself finds them: its parts need not lie beside ours. */
const seenByIt = (): Modules => {
  const own = createRequire(import.meta.url)
  return canResolve(own, `${HASHING}/package.json`)
    ? createRequire(own.resolve(`${HASHING}/package.json`))
    : own
}

const packagesOf = (modules: Modules): string[] | undefined => {
  try {
    const { optionalDependencies = {} } = modules(`${HASHING}/package.json`) as {
      optionalDependencies?: object
    }
    return Object.keys(optionalDependencies)
  } catch {
    return undefined
  }
}

const canResolve = (modules: Modules, name: string): boolean => {
  try {
    modules.resolve(name)
    return true
  } catch {
    return false
  }
}
