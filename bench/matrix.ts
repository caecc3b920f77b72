import type { Connection, RequestParts } from './connection.ts'
import type { RawResponse } from './response-parser.ts'

/** A logged-in user. */
export interface Account {
  userId: string
  token: string
}

type JsonObject = Record<string, unknown>

const prefix = '/_matrix/client/v3'

/** Attempts that setup calls get when the server answers 429; measurements never retry. */
const attempts = 20

/**
 * A call of the setup: waits out rate limits and insists on success.
 * @returns the parsed body
 * @throws Error with the server's answer for any status but 200
 */
export async function call(connection: Connection, parts: RequestParts): Promise<JsonObject> {
  for (let attempt = 1; ; attempt++) {
    const response = await connection.request(parts)
    if (response.status === 200) return json(response)
    if (response.status !== 429 || attempt === attempts) throw new Error(describe(parts, response))
    await new Promise(next => setTimeout(next, retryAfter(response)))
  }
}

/** @returns the body as an object; an empty one when it is anything else */
export function json(response: RawResponse): JsonObject {
  try {
    const value: unknown = JSON.parse(response.body.toString())
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
  } catch {
    return {}
  }
}

/** @returns one line naming the request, the status and the start of the answer */
export function describe(parts: RequestParts, response: RawResponse): string {
  return `${parts.method} ${parts.path}: ${response.status} ${response.body.toString().slice(0, 300)}`
}

/** POST /createRoom. @returns the room id */
export async function createRoom(
  connection: Connection,
  account: Account,
  body: JsonObject,
): Promise<string> {
  const parts: RequestParts = {
    method: 'POST',
    path: `${prefix}/createRoom`,
    token: account.token,
    body: JSON.stringify(body),
  }
  const roomId = (await call(connection, parts))['room_id']
  if (typeof roomId !== 'string') throw new Error('createRoom answered without room_id')
  return roomId
}

/** POST /join/{roomId}. */
export async function joinRoom(connection: Connection, account: Account, roomId: string): Promise<void> {
  const path = `${prefix}/join/${encodeURIComponent(roomId)}`
  await call(connection, { method: 'POST', path, token: account.token, body: '{}' })
}

const filler = 'x'.repeat(230)

/**
 * PUT /rooms/{roomId}/send/m.room.message/{txnId} with a body of about 300 bytes.
 * @param transactionId unique per account; makes the call idempotent
 * @param number goes into the content, so that the event is recognised in a sync response (`eventNumbers`)
 */
export function sendRequest(
  account: Account,
  roomId: string,
  transactionId: string,
  number: number,
): RequestParts {
  return {
    method: 'PUT',
    path: `${prefix}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transactionId}`,
    token: account.token,
    body: `{"msgtype":"m.text","body":"${filler}","bench_number":${number}}`,
  }
}

/** Options of GET /sync, in the spec's units; `extra` are further query parameters, already encoded. */
export interface SyncOptions {
  since?: string | undefined
  timeout?: number | undefined
  filter?: JsonObject | undefined
  extra?: string | undefined
}

/** GET /sync, without announcing presence, which would make every measurement also one of presence. */
export function syncRequest(account: Account, options: SyncOptions = {}): RequestParts {
  const query = [`set_presence=offline&timeout=${options.timeout ?? 0}`]
  if (options.filter !== undefined) query.push(`filter=${encodeURIComponent(JSON.stringify(options.filter))}`)
  if (options.extra !== undefined) query.push(options.extra)
  if (options.since !== undefined) query.push(`since=${encodeURIComponent(options.since)}`)
  return { method: 'GET', path: `${prefix}/sync?${query.join('&')}`, token: account.token }
}

/** GET /rooms/{roomId}/messages backwards from `from` (or from the end). */
export function messagesRequest(
  account: Account,
  roomId: string,
  limit: number,
  from?: string,
  extra = '',
): RequestParts {
  const start = from === undefined ? '' : `&from=${encodeURIComponent(from)}`
  const path = `${prefix}/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${limit}${start}${extra}`
  return { method: 'GET', path, token: account.token }
}

/**
 * The token for the next sync, found without parsing the response: no string of ours contains a quoted
 * `"next_batch":`, and parsing would cost the generator more than the request.
 * @throws Error when there is none
 */
export function nextBatch(body: string): string {
  const token = /"next_batch"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)?.[1]
  if (token === undefined) throw new Error('no next_batch in a sync response')
  return JSON.parse(`"${token}"`)
}

/** @returns the numbers of `sendRequest` in a sync response, in its order */
export function eventNumbers(body: string): number[] {
  return Array.from(body.matchAll(/"bench_number"\s*:\s*(\d+)/g), match => Number(match[1]))
}

function retryAfter(response: RawResponse): number {
  const wait = json(response)['retry_after_ms']
  return typeof wait === 'number' ? wait : 1000
}
