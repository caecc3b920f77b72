import { MatrixError } from '../core/errors.ts'
import type { Coercion, Operation } from '../spec/operation.ts'
import type { Query } from './authentication.ts'

type Scalar = string | number | boolean

/**
 * The declared query parameters, typed, with defaults for those that are absent; unknown ones are dropped. An optional text
 * that is empty is absent: clients write `since=` or `from=` where they have no token yet.
 */
export const coerceQuery = (
  query: Query,
  operation: Operation,
): Record<string, Scalar | readonly string[]> => {
  const result: Record<string, Scalar | readonly string[]> = {}
  for (const name in operation.query) {
    const value = query[name]
    const kind = operation.query[name]
    if (value === undefined || kind === undefined || (value === '' && kind === 'optionalString')) continue
    result[name] = coerce(name, value, kind)
  }
  for (const name in operation.queryDefaults) result[name] ??= operation.queryDefaults[name] ?? ''
  return result
}

/** The path parameters, typed. */
export const coercePath = (
  path: Readonly<Record<string, string | undefined>>,
  operation: Operation,
): Record<string, Scalar | readonly string[]> => {
  const result: Record<string, Scalar | readonly string[]> = {}
  for (const name in operation.path) {
    result[name] = coerce(name, path[name] ?? '', operation.path[name] ?? 'string')
  }
  return result
}

/** Throws `M_INVALID_PARAM` for what does not read as the declared type. Of repeated parameters the first counts. */
const coerce = (
  name: string,
  value: string | readonly string[],
  kind: Coercion,
): Scalar | readonly string[] => {
  const values = typeof value === 'string' ? [value] : value
  // PostgreSQL cannot store it, and no identifier of the protocol holds it.
  if (values.some(each => each.includes('\0'))) throw invalid(name, 'text without NUL')
  if (kind === 'strings') return values
  const [text = ''] = values
  switch (kind) {
    case 'string':
    case 'optionalString':
      return text
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true'
      throw invalid(name, 'true or false')
    case 'integer':
      if (/^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
      throw invalid(name, 'an integer')
    case 'number':
      if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
      throw invalid(name, 'a number')
  }
}

const invalid = (name: string, expected: string): MatrixError =>
  new MatrixError('M_INVALID_PARAM', `The parameter ${name} must be ${expected}`)
