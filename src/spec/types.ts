// Generated from api-spec by `npm run spec`. Do not edit.
import type { JsonObject, JsonValue } from '../core/json.ts'

export type { JsonObject, JsonValue }
export type NoMembers = Readonly<Record<never, never>>


export interface Operations {
  getVersions: {
    authentication: 'optionalAccessToken'
    path: NoMembers
    query: NoMembers
    body: undefined
    response: { readonly versions: readonly string[]; readonly unstable_features?: Readonly<Record<string, boolean>> | undefined }
  }
}
