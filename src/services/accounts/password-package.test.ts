import test from 'ava'
import { missingPasswordPackage } from './password-package.ts'

/** What is installed, of a package that has parts for two sorts of Linux and a Mac. */
const installed = (...names: string[]) => {
  const find = (name: string): string => {
    if (!names.includes(name)) throw new Error(`Cannot find module ${name}`)
    return name
  }
  const parts = ['linux-x64-gnu', 'linux-x64-musl', 'darwin-arm64'].map(part => `@node-rs/argon2-${part}`)
  const load = (name: string) => {
    find(name.replace('/package.json', ''))
    return { optionalDependencies: Object.fromEntries(parts.map(part => [part, '1'])) }
  }
  return Object.assign(load, { resolve: find })
}

test('that passwords cannot be hashed is known before the first', t => {
  t.is(missingPasswordPackage(), undefined)
  t.is(missingPasswordPackage(installed(), 'linux-x64'), '@node-rs/argon2')
  t.is(
    missingPasswordPackage(installed('@node-rs/argon2', '@node-rs/argon2-darwin-arm64'), 'linux-x64'),
    '@node-rs/argon2-linux-x64-gnu or @node-rs/argon2-linux-x64-musl',
  )
  const musl = installed('@node-rs/argon2', '@node-rs/argon2-linux-x64-musl')
  t.is(missingPasswordPackage(musl, 'linux-x64'), undefined)
  t.is(missingPasswordPackage(musl, 'plan9-x64'), undefined, 'of other machines nothing is known')
})
