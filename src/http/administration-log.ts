import { isJsonObject } from '../core/json.ts'
import type { Operation } from '../spec/operation.ts'
import type { UntypedCall } from './endpoint.ts'
import type { HttpLog } from './errors.ts'

/** Parameters of paths that are as good as passwords. */
const SECRET = new Set(['token'])

/**
 * Notes what an administrator has changed, for whoever has to know later: who, what, and whom or what it was about. Of the body
 * only the names of its members are noted, since their values may be secret. Reading is not noted.
 */
export const noteAdministration = (
  log: Pick<HttpLog, 'info'>,
  operation: Operation,
  { requester, path, body, request }: Pick<UntypedCall, 'requester' | 'path' | 'body' | 'request'>,
): void => {
  if (operation.method === 'GET') return
  const about = isJsonObject(path) ? Object.entries(path).filter(([name]) => !SECRET.has(name)) : []
  log.info(
    {
      request: request.id,
      by: requester?.userId,
      operation: operation.operationId,
      ...Object.fromEntries(about),
      ...(isJsonObject(body) ? { members: Object.keys(body).slice(0, MAX_MEMBERS) } : {}),
      ip: request.ip,
    },
    'administration',
  )
}

const MAX_MEMBERS = 32
