import { createHmac } from 'node:crypto'
import type { Connection, RequestParts } from './connection.ts'
import { type Account, call, describe, json } from './matrix.ts'

/** How the server lets the bench make accounts. */
export type RegistrationWay =
  | { kind: 'open' }
  | { kind: 'token'; token: string }
  | { kind: 'shared-secret'; secret: string }

/** Registers a user in the given way. @throws Error with the server's answer when it refuses */
export function register(connection: Connection, way: RegistrationWay, username: string): Promise<Account> {
  return way.kind === 'shared-secret'
    ? registerBySharedSecret(connection, way.secret, username)
    : registerInteractively(connection, way, username)
}

const password = 'correct horse battery staple'

/** POST /register through user-interactive authentication: one stage after another of a flow that we can do. */
async function registerInteractively(
  connection: Connection,
  way: { kind: 'open' } | { kind: 'token'; token: string },
  username: string,
): Promise<Account> {
  const able = new Set(['m.login.dummy', ...(way.kind === 'token' ? ['m.login.registration_token'] : [])])
  let auth: Record<string, unknown> | undefined
  for (let step = 0; step < 5; step++) {
    const parts: RequestParts = {
      method: 'POST',
      path: '/_matrix/client/v3/register',
      body: JSON.stringify({ username, password, auth }),
    }
    const response = await connection.request(parts)
    if (response.status === 200) return account(json(response))
    const stage = response.status === 401 ? nextStage(json(response), able) : undefined
    if (stage === undefined) throw new Error(describe(parts, response))
    auth = { type: stage, session: json(response)['session'] }
    if (stage === 'm.login.registration_token' && way.kind === 'token') auth['token'] = way.token
  }
  throw new Error('registration does not come to an end')
}

/** @returns the first open stage of a flow that consists of stages we are able to do */
function nextStage(challenge: Record<string, unknown>, able: ReadonlySet<string>): string | undefined {
  // An error beside the flows means that the last stage failed: trying again would not help.
  if (challenge['errcode'] !== undefined) return undefined
  const completed = new Set(strings(challenge['completed']))
  for (const flow of Array.isArray(challenge['flows']) ? challenge['flows'] : []) {
    const stages = strings(flow?.stages)
    if (stages.every(stage => able.has(stage))) return stages.find(stage => !completed.has(stage))
  }
  return undefined
}

/** The nonce and HMAC-SHA1 endpoint that `register_new_matrix_user` speaks. */
async function registerBySharedSecret(
  connection: Connection,
  secret: string,
  username: string,
): Promise<Account> {
  const path = '/_synapse/admin/v1/register'
  const { nonce } = await call(connection, { method: 'GET', path })
  const mac = createHmac('sha1', secret)
    .update([nonce, username, password, 'notadmin'].join('\0'))
    .digest('hex')
  const body = JSON.stringify({ nonce, username, password, mac, admin: false })
  return account(await call(connection, { method: 'POST', path, body }))
}

function account(body: Record<string, unknown>): Account {
  const { user_id: userId, access_token: token } = body
  if (typeof userId !== 'string' || typeof token !== 'string') {
    throw new Error(`registration answered without user_id or access_token: ${JSON.stringify(body)}`)
  }
  return { userId, token }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}
