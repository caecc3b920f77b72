import type { JsonObject } from '../json.ts'

/** What is read out of one claim, in characters. */
const MAX_CLAIM = 512

const CLAIM = /\{([^{}]+)\}/g

/**
 * A template in which `{claim}` stands for what a provider says of somebody, filled in.
 * @returns `undefined` where the template is empty, or a claim in it is missing or no text
 */
export const filledIn = (template: string, claims: JsonObject): string | undefined => {
  let isComplete = template !== ''
  const text = template.replace(CLAIM, (_match, name: string) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    const said = typeof value === 'number' ? String(value) : value
    if (typeof said !== 'string' || said === '' || said.length > MAX_CLAIM || !said.isWellFormed()) {
      isComplete = false
      return ''
    }
    return said
  })
  return isComplete ? text.trim() : undefined
}

/** The claims that templates name. */
export const claimsIn = (templates: readonly string[]): string[] =>
  templates.flatMap(template => [...template.matchAll(CLAIM)].map(([, name = '']) => name))

/** A user name as a provider gives it. */
export interface ProposedName {
  readonly localpart: string
  /** Whether it is what the provider said, but for capitals and the domain of an address. */
  readonly isExact: boolean
}

/**
 * What a name could be as a localpart: what comes before an `@`, in small letters, without accents, and without what localparts
 * cannot have. `undefined` where nothing is left.
 */
export const proposedName = (text: string): ProposedName | undefined => {
  const [said = ''] = text.split('@', 1)
  const name = said.toLowerCase()
  const localpart = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/\s+/g, '.')
    .replace(/[^a-z0-9._=/+-]/g, '')
  if (localpart === '') return undefined
  // The sign of the kelvin (U+212A) is a "k" in small letters, and yet another name.
  return { localpart, isExact: localpart === name && /^[!-~]+$/.test(said) }
}

/** Whether a provider says of somebody what it must: the value itself, or a list with it. */
export const hasRequiredClaims = (required: Readonly<Record<string, string>>, claims: JsonObject): boolean =>
  Object.entries(required).every(([name, value]) => {
    if (!Object.hasOwn(claims, name)) return false
    const said = claims[name]
    return Array.isArray(said) ? said.some(one => String(one) === value) : String(said) === value
  })
