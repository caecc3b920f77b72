// Generated from api-spec by `npm run spec`. Do not edit.
import type { Operation } from './operation.ts'

export const operations = {
  getVersions: {"operationId":"getVersions","method":"GET","paths":["/_matrix/client/versions"],"authentication":"optionalAccessToken","rateLimit":"read","body":"none","bodyRequired":false,"bodyLimit":65536,"userInteractive":false,"guest":"allow","whenSuspended":"allow","whenLocked":"refuse","query":{},"path":{}},
} as const satisfies Record<string, Operation>

export type OperationId = keyof typeof operations
