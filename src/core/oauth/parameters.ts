import { OAuthError } from './errors.ts'

/** The parameters of a request by name. */
export interface OAuthParameters {
  /** A parameter; "parameters sent without a value MUST be treated as if they were omitted". @throws {OAuthError} */
  get(name: string): string | undefined
  /** The same, where it may not be missing. @throws {OAuthError} `invalid_request` */
  need(name: string): string
}

/** Reads parameters: "request and response parameters MUST NOT be included more than once" (RFC 6749, 3.1). */
export const oauthParameters = (search: URLSearchParams): OAuthParameters => {
  const get = (name: string): string | undefined => {
    const values = search.getAll(name)
    if (values.length > 1) throw new OAuthError('invalid_request', `${name} is given more than once`)
    return values[0] || undefined
  }
  return {
    get,
    need(name) {
      const value = get(name)
      if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing`)
      return value
    },
  }
}
