/** Judges our responses by the official schemas, and where those are silent or absent by our own documents. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { officialPresent } from '../../scripts/spec/official.ts'
import { officialResponses, ourResponses, type ResponseSchemas } from '../../scripts/spec/response-schemas.ts'

export interface ResponseValidator {
  /**
   * What is wrong with a response; empty when nothing is. `path` is concrete or a pattern with `{parameters}`, of any
   * prefix that we serve; `body` is parsed JSON, or `undefined` for a response that is none.
   */
  check(method: string, path: string, status: number, body: unknown): string[]
}

/** Standard error response: "the keys `error` and `errcode` MUST always be present". */
const ERROR_SCHEMA = JSON.stringify({
  type: 'object',
  properties: { errcode: { type: 'string' }, error: { type: 'string' } },
  required: ['errcode', 'error'],
})

const USER_INTERACTIVE = /"flows"/

/**
 * The schema of a signed invite demands `origin`, which no room version's event format has: "all other fields of the
 * event should remain untouched".
 */
const NOT_HELD_AGAINST_US: ReadonlySet<string> = new Set(["/event must have required property 'origin'"])

/**
 * `/events` tells account data ("can also be received in a `/events` response"), presence and what is ephemeral, too,
 * whose events have no such fields; its schema is that of room events.
 */
const ONLY_OF_ROOM_EVENTS =
  /^\/chunk\/\d+ must have required property '(event_id|sender|origin_server_ts|room_id)'$/

const isHeldAgainstUs = (path: string, problem: string): boolean =>
  !NOT_HELD_AGAINST_US.has(problem) && !(isEventStream(path) && ONLY_OF_ROOM_EVENTS.test(problem))

const isEventStream = (path: string): boolean => /\/events(\?|$)/.test(path)

/** Sending later (MSC4140) uses operations of the specification, which knows nothing of it. */
const isDelayed = (path: string): boolean => path.includes('?org.matrix.msc4140.delay=')

/** Made once per test file; schemas are parsed and compiled when they are first needed. */
export const officialResponseValidator = (): ResponseValidator => {
  const ajv = new Ajv2020({
    ...{ strict: false, validateFormats: false, allErrors: true, addUsedSchema: false },
    // Most schemas judge a few responses: what is spent on shorter code does not come back.
    ...{ meta: false, validateSchema: false, code: { optimize: false } },
  })
  const compiled = new Map<string, ValidateFunction>()
  const ours = lazy(() => groupBySize(ourResponses()))
  const official = lazy(() => (officialPresent() ? groupBySize(officialResponses()) : ours()))
  const validatorOf = (schema: string): ValidateFunction => {
    const known = compiled.get(schema) ?? ajv.compile(JSON.parse(schema) as object)
    compiled.set(schema, known)
    return known
  }
  return {
    check(method, path, status, body) {
      const wanted = method === 'HEAD' ? 'GET' : method
      const operation = (!isDelayed(path) && find(official(), wanted, path)) || find(ours(), wanted, path)
      // Of `/keys/device_signing/upload` the official document says in words alone that it challenges.
      const isUndocumented = status === 401 && operation?.responses['401'] === undefined
      const schema = schemaFor(isUndocumented ? find(ours(), wanted, path) : operation, status)
      if (schema === null || schema === undefined) return []
      if (method === 'HEAD') return []
      const validate = validatorOf(schema)
      if (validate(body)) return []
      return (validate.errors ?? [])
        .map(error => `${error.instancePath || 'the body'} ${error.message}`)
        .filter(problem => isHeldAgainstUs(path, problem))
    },
  }
}

/** Undocumented failures are at least standard errors; undocumented successes are not judged. */
const schemaFor = (operation: ResponseSchemas | undefined, status: number): string | null | undefined => {
  const documented = operation?.responses[String(status)]
  if (status < 400) return documented
  // The official error schema demands only `errcode`; the text demands both.
  return documented && USER_INTERACTIVE.test(documented) ? documented : ERROR_SCHEMA
}

type Index = ReadonlyMap<string, readonly { segments: readonly string[]; operation: ResponseSchemas }[]>

const lazy = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const groupBySize = (operations: readonly ResponseSchemas[]): Index =>
  Map.groupBy(
    operations.map(operation => ({ operation, segments: operation.path.split('/') })),
    ({ operation, segments }) => `${operation.method} ${segments.length}`,
  )

/** The operation whose pattern fits, static segments before parameters; under the current prefix if need be. */
const find = (index: Index, method: string, path: string): ResponseSchemas | undefined => {
  const plain = path.split('?', 1)[0] ?? path
  const current = plain.replace(/^\/_matrix\/(client|media)\/(?:r0|v1)\//, '/_matrix/$1/v3/')
  for (const spelling of new Set([plain, current])) {
    const segments = spelling.split('/')
    const fitting = (index.get(`${method} ${segments.length}`) ?? [])
      .map(each => ({ ...each, score: score(each.segments, segments) }))
      .filter(each => each.score >= 0)
      .sort((a, b) => b.score - a.score)
    if (fitting[0]) return fitting[0].operation
  }
  return undefined
}

/** How many segments are literally equal; −1 if the pattern does not fit. */
const score = (pattern: readonly string[], segments: readonly string[]): number => {
  let equal = 0
  for (const [index, part] of pattern.entries()) {
    if (part === segments[index]) equal++
    else if (!part.startsWith('{')) return -1
  }
  return equal
}
