import type { ErrorObject } from 'ajv/dist/2020.js'
import { isJsonObject } from '../core/json.ts'

/** Members of the body and of its members; what lies deeper may be signed, or is content that is kept as it is given. */
const MAX_DEPTH = 2

/**
 * Many clients write `null` for what they leave out, which the specification says nothing about: such a member is as if it
 * were absent. One that may be `null` never comes here, since it violates nothing.
 *
 * @param error what is wrong with the body
 * @returns the body without the declared member that is `null` and may not be; `undefined` if that is not what is wrong
 */
export const withoutNull = (body: unknown, error: ErrorObject | undefined): unknown => {
  if (error?.keyword !== 'type') return undefined
  const path = error.instancePath
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
  // A member of a map (`additionalProperties`) is not left out by being null: it is an entry of the wrong type.
  const isDeclared = /\/properties\/[^/]+\/type$/.test(error.schemaPath)
  return isDeclared && path.length <= MAX_DEPTH ? removed(body, path) : undefined
}

const removed = (value: unknown, [name, ...rest]: readonly string[]): unknown => {
  if (name === undefined || !isJsonObject(value) || !Object.hasOwn(value, name)) return undefined
  const { [name]: member, ...others } = value
  if (rest.length === 0) return member === null ? others : undefined
  const inner = removed(member, rest)
  return inner === undefined ? undefined : { ...others, [name]: inner }
}
