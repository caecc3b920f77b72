import type { JsonObject } from '../core/json.ts'

/**
 * The subset of JSON Schema that settings are written in, and the TypeScript type that follows from it. Names are
 * in snake_case, as operators write them; the program reads the same names in camelCase.
 */
interface Annotations {
  /** What the option does, in whole sentences. Goes into the manual and into the generated settings file. */
  readonly description: string
  readonly examples?: readonly unknown[]
  /** May be left out, and has no default: the program sees `undefined`. */
  readonly 'x-optional'?: true
  /** Takes effect on SIGHUP, without a restart. */
  readonly 'x-reload'?: true
  /** A variable that many programs read; it counts where nothing else, the file included, sets the option. */
  readonly 'x-fallback-env'?: string
}

/** One value. `['integer', 'string']` goes with the formats `duration` and `size`, and reads as a number. */
export interface ValueSchema extends Annotations {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | readonly ['integer', 'string']
  readonly default?: string | number | boolean
  readonly enum?: readonly string[]
  readonly format?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  /** Never printed; may also come from a file named by the same option with `_file` appended. */
  readonly 'x-secret'?: true
  /** A path: made absolute, from the directory of the settings file (the working directory if there is none). */
  readonly 'x-path'?: true
  /** A further environment variable that sets it, beside the one that follows from its name. */
  readonly 'x-env'?: string
}

export interface ListSchema extends Annotations {
  readonly type: 'array'
  readonly items: Schema
  readonly default?: readonly unknown[]
  readonly minItems?: number
}

/** Keys chosen by the operator, each with the same kind of value. */
export interface MapSchema extends Annotations {
  readonly type: 'object'
  readonly additionalProperties: Schema
  readonly default: JsonObject
}

/** Any JSON object, passed on as it is. */
export interface FreeSchema extends Annotations {
  readonly type: 'object'
  readonly additionalProperties: true
  readonly default: JsonObject
}

export interface SectionSchema extends Annotations {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, Schema>>
}

export type Schema = ValueSchema | ListSchema | MapSchema | FreeSchema | SectionSchema

/** The program's type of an option, from its schema. */
export type Value<S> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'boolean' }
      ? boolean
      : S extends { readonly type: 'array'; readonly items: infer I }
        ? readonly Value<I>[]
        : S extends { readonly properties: infer P }
          ? Section<P>
          : S extends { readonly additionalProperties: true }
            ? JsonObject
            : S extends { readonly additionalProperties: infer A }
              ? { readonly [key: string]: Value<A> }
              : number

type Optional = { readonly 'x-optional': true }

type Section<P> = {
  readonly [K in keyof P as P[K] extends Optional ? never : CamelCase<K>]: Value<P[K]>
} & {
  readonly [K in keyof P as P[K] extends Optional ? CamelCase<K> : never]?: Value<P[K]>
}

type CamelCase<K> = K extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail> & string>}`
  : K

/** `public_base_url` → `publicBaseUrl`: the type `CamelCase`, at run time. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())

export const isSection = (schema: Schema): schema is SectionSchema => 'properties' in schema
export const isList = (schema: Schema): schema is ListSchema => schema.type === 'array'
export const isMap = (schema: Schema): schema is MapSchema =>
  'additionalProperties' in schema && schema.additionalProperties !== true
export const isFree = (schema: Schema): schema is FreeSchema =>
  'additionalProperties' in schema && schema.additionalProperties === true
export const isValue = (schema: Schema): schema is ValueSchema =>
  schema.type !== 'object' && schema.type !== 'array'

/** Where an option is: `['listeners', 0, 'port']`. */
export type OptionPath = readonly (string | number)[]

/** `listeners[0].port`, as messages and the manual write it. */
export const pathText = (path: OptionPath): string =>
  path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')

/** The schema of what is at a path, or `undefined` where no option is. */
export const schemaAt = (schema: Schema, path: OptionPath): Schema | undefined => {
  const [step, ...rest] = path
  if (step === undefined) return schema
  const child =
    typeof step === 'number'
      ? isList(schema)
        ? schema.items
        : undefined
      : isSection(schema)
        ? Object.hasOwn(schema.properties, step)
          ? schema.properties[step]
          : undefined
        : isMap(schema)
          ? schema.additionalProperties
          : undefined
  return child && schemaAt(child, rest)
}
