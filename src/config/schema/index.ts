/**
 * Every setting of Tessera: its type, its default and its documentation, in one JSON schema. The type `Config`, the
 * checks, the environment variables, the commented settings file and the manual all follow from here.
 */
import type { SectionSchema, Value } from '../schema-types.ts'
import { accountOptions } from './accounts.ts'
import { attentionOptions } from './attention.ts'
import { callOptions } from './calls.ts'
import { emailOptions } from './email.ts'
import { federationOptions } from './federation.ts'
import { mediaOptions } from './media.ts'
import { operationOptions } from './operations.ts'
import { peopleOptions } from './people.ts'
import { previewOptions } from './previews.ts'
import { rateLimitOptions } from './rate-limits.ts'
import { roomOptions } from './rooms.ts'
import { serverOptions } from './server.ts'
import { signInOptions } from './sign-in.ts'

export const configSchema = {
  type: 'object',
  description: 'The settings of a Tessera homeserver.',
  properties: {
    ...serverOptions,
    ...accountOptions,
    ...signInOptions,
    ...emailOptions,
    ...federationOptions,
    ...roomOptions,
    ...attentionOptions,
    ...peopleOptions,
    ...mediaOptions,
    ...previewOptions,
    ...callOptions,
    ...rateLimitOptions,
    ...operationOptions,
  },
} as const satisfies SectionSchema

/**
 * The settings as the program reads them: complete, checked, immutable. Durations are milliseconds, sizes are bytes,
 * paths are absolute.
 */
export type Config = Value<typeof configSchema>
