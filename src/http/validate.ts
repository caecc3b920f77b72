import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { type Errcode, MatrixError } from '../core/errors.ts'
import { withoutNull } from './null-members.ts'

export type Place = 'path' | 'query' | 'body'

/** Request schemas by operation and place, as in `src/spec/schemas.json`. */
export type RequestSchemas = Readonly<Record<string, Readonly<Partial<Record<Place, object>>>>>

/**
 * Which code a violation has. In bodies: what is missing, what has the wrong shape, and what has the right shape but
 * cannot be meant (a malformed identifier, a number out of range). Parameters of path and query have one code,
 * unless they are missing.
 */
const errcodeOf = (place: Place, keyword: string): Errcode => {
  if (keyword === 'required') return 'M_MISSING_PARAM'
  if (place !== 'body') return 'M_INVALID_PARAM'
  return INVALID_VALUE.has(keyword) ? 'M_INVALID_PARAM' : 'M_BAD_JSON'
}

const INVALID_VALUE = new Set([
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
])

export interface Validator {
  /**
   * Throws `MatrixError` on the first violation. Unknown members pass; nothing is changed or filled in. A schema is compiled
   * when it is first needed: all of them would take half a second of every start, and memory that most servers never use.
   */
  validate(operationId: string, place: Place, value: unknown): void
  /** The same for a body that nobody has signed. @returns it, without optional members that are `null` (`null-members.ts`) */
  lenient(operationId: string, body: unknown): unknown
}

/** Of one set of schemas there is one validator in a process, however many servers it has. */
export const createValidator = (schemas: RequestSchemas): Validator => {
  const known = validators.get(schemas) ?? compiling(schemas)
  validators.set(schemas, known)
  return known
}

const validators = new WeakMap<RequestSchemas, Validator>()

const compiling = (schemas: RequestSchemas): Validator => {
  const ajv = new Ajv2020({
    ...{ strict: false, validateFormats: false, useDefaults: false, addUsedSchema: false },
    // The schemas are our own, and a test judges them: to compile the schema of schemas takes longer than a hundred of ours.
    ...{ meta: false, validateSchema: false },
    // What shortens the compiled code costs as much as all the rest of compiling, and V8 does the same to what is used often.
    code: { optimize: false },
  })
  const compiled = {
    path: new Map<string, ValidateFunction | undefined>(),
    query: new Map<string, ValidateFunction | undefined>(),
    body: new Map<string, ValidateFunction | undefined>(),
  }
  const compile = (operationId: string, place: Place): ValidateFunction | undefined => {
    const known = compiled[place]
    if (known.has(operationId)) return known.get(operationId)
    const schema = schemas[operationId]?.[place]
    const validate = schema && ajv.compile(schema)
    known.set(operationId, validate)
    return validate
  }
  return {
    validate(operationId, place, value) {
      const validate = compile(operationId, place)
      if (!validate || validate(value)) return
      throw violation(place, validate.errors?.[0])
    },
    lenient(operationId, body) {
      const validate = compile(operationId, 'body')
      let heeded = body
      let removed: ErrorObject | undefined
      while (validate && !validate(heeded)) {
        const error = validate.errors?.[0]
        const rest = withoutNull(heeded, error)
        // A required member that is null is there, and has the wrong type.
        const wasNeeded = removed?.instancePath === `${error?.instancePath}/${error?.params.missingProperty}`
        if (rest === undefined) throw violation('body', wasNeeded ? removed : error)
        removed = error
        heeded = rest
      }
      return heeded
    },
  }
}

const violation = (place: Place, error: ErrorObject | undefined): MatrixError => {
  const keyword = error?.keyword ?? 'type'
  const where = error?.instancePath ? ` at ${error.instancePath.slice(1).replaceAll('/', '.')}` : ''
  const allowed: unknown = error?.params.allowedValues
  const choices = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''
  return new MatrixError(
    errcodeOf(place, keyword),
    `Invalid ${place}${where}: ${error?.message ?? 'refused'}${choices}`,
  )
}
