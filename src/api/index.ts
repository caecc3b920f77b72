// Generated from api-spec by `npm run spec`. Do not edit.
import type { Endpoint } from '../http/endpoint.ts'
import { getVersions } from './client-server/getVersions.ts'

export const endpoints: readonly Endpoint[] = [
  getVersions,
]
