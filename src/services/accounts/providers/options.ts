import type { OpenIdProvider } from '../../../network/openid/provider.ts'

/** A provider with which people sign in, as the operator has it. */
export interface ProviderOptions {
  /** Never changes: accounts are linked to it. */
  readonly id: string
  readonly name: string
  /** An `mxc:` URI. */
  readonly icon?: string | undefined
  readonly brand?: string | undefined
  /** What it must say of whoever signs in. */
  readonly requiredClaims: Readonly<Record<string, string>>
  /** Whether whoever is new gets an account. */
  readonly registration: boolean
  /** Whether whoever is new is let into the account of the name that the provider gives them. */
  readonly linkByName: boolean
  /** Templates (`core/oauth/provider-claims.ts`). */
  readonly userName: string
  readonly displayName: string
  readonly email: string
  readonly picture: string
  readonly chooseUserName: 'never' | 'if_needed' | 'always'
  /** Whether addresses count that it does not say to have verified. */
  readonly trustEmails: boolean
}

/** A provider, and the way to it. */
export interface Provider {
  readonly options: ProviderOptions
  readonly client: OpenIdProvider
}
