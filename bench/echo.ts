/**
 * The yardstick: a bare `node:http` server that does the HTTP work of a homeserver and nothing else. For each request it
 * finds the route, looks up the access token among ten thousand, reads the body whole and parses it, and answers as much
 * JSON under the same headers; it parks `/sync` and wakes it on a send. It stores, validates, counts and signs nothing,
 * and must stay that plain: its rate is the ceiling that ratios refer to.
 *
 * Run as a process of its own; prints `{"port":n}` once it listens and ends with its standard input.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

/** The tokens of a server with some users. */
const tokens = new Set(Array.from({ length: 10_000 }, () => randomBytes(24).toString('base64url')))
/** What browsers are told on every response, as the specification recommends; and that nothing is to be kept. */
const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  'Access-Control-Expose-Headers': 'Retry-After',
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json',
} as const
/** Room → tokens that joined it. */
const members = new Map<string, Set<string>>()
/** Token → its parked requests. */
const parked = new Map<string, Set<ServerResponse>>()
/** Token → events that came while it had no parked request; only for tokens that have synced. */
const queued = new Map<string, string[]>()
/** Answers of a given size, made once. */
const filled = new Map<number, Buffer>()
let counter = 0

/** Answers a request, given its path parameters, query string, token and body; `undefined` parks it. */
type Handler = (call: {
  readonly path: readonly string[]
  readonly query: string
  readonly token: string
  readonly body: string
  readonly response: ServerResponse
}) => string | Buffer | undefined

const server = createServer((request, response) => {
  const [target = '', query = ''] = request.url?.split('?', 2) ?? []
  const { found, path } = match(request.method, target)
  if (found === undefined) return answer(response, 404, '{"errcode":"M_UNRECOGNIZED"}')
  const token = /^Bearer +(\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (found.authenticated && !tokens.has(token)) return answer(response, 401, '{"errcode":"M_UNKNOWN_TOKEN"}')
  const respond = (body: string): void => {
    const answered = found.handle({ path, query, token, body, response })
    if (answered !== undefined) answer(response, 200, answered)
  }
  if (request.method === 'GET') return respond('')
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const body = Buffer.concat(parts).toString()
    // Parsed and thrown away: no homeserver gets around that work.
    if (body !== '') JSON.parse(body)
    respond(body)
  })
})

function match(
  method: string | undefined,
  target: string,
): { found?: (typeof routes)[number]; path: string[] } {
  for (const found of routes) {
    const parameters = found.method === method && found.pattern.exec(target)
    if (parameters) return { found, path: parameters.slice(1).map(decodeURIComponent) }
  }
  return { path: [] }
}

const send: Handler = ({ path: [roomId = ''], body }) => {
  counter += 1
  for (const token of members.get(roomId) ?? []) deliver(token, roomId, body)
  return `{"event_id":"$${counter.toString(36).padStart(43, '0')}"}`
}

const register: Handler = () => {
  counter += 1
  const token = randomBytes(24).toString('base64url')
  tokens.add(token)
  return `{"user_id":"@u${counter}:echo","access_token":"${token}"}`
}

const createRoom: Handler = ({ token }) => {
  counter += 1
  const roomId = `!r${counter}:echo`
  join(roomId, token)
  return `{"room_id":"${roomId}"}`
}

const joinRoom: Handler = ({ path: [roomId = ''], token }) => {
  join(roomId, token)
  return '{}'
}

function join(roomId: string, token: string): void {
  members.set(roomId, (members.get(roomId) ?? new Set()).add(token))
}

const sync: Handler = ({ query, token, response }) => {
  if (!query.includes('since=')) return asked(query)
  const waiting = queued.get(token)
  queued.set(token, [])
  if (waiting !== undefined && waiting.length > 0) return syncBody(waiting)
  const responses = parked.get(token) ?? new Set()
  parked.set(token, responses.add(response))
  response.once('close', () => responses.delete(response))
  return undefined
}

/** As many bytes as the query asks for. */
const asked = (query: string): Buffer => fill(Number(/bench_bytes=(\d+)/.exec(query)?.[1] ?? 0))

const route = (method: 'GET' | 'PUT' | 'POST', path: string, handle: Handler, authenticated = true) => ({
  ...{ method, handle, authenticated },
  pattern: new RegExp(`^/_matrix/client/v3/${path}$`),
})

const routes = [
  route('PUT', 'rooms/([^/]+)/send/[^/]+/[^/]+', send),
  route('GET', 'sync', sync),
  route('GET', 'rooms/([^/]+)/messages', ({ query }) => asked(query)),
  route('POST', 'createRoom', createRoom),
  route('POST', 'join/([^/]+)', joinRoom),
  route('POST', 'register', register, false),
]

function deliver(token: string, room: string, content: string): void {
  const event = `{"type":"m.room.message","room_id":"${room}","content":${content}}`
  const responses = parked.get(token)
  if (responses === undefined || responses.size === 0) {
    queued.get(token)?.push(event)
    return
  }
  parked.delete(token)
  const body = syncBody([event])
  for (const response of responses) answer(response, 200, body)
}

function syncBody(events: readonly string[]): string {
  return `{"next_batch":"s${counter}","rooms":{"join":{"!r:echo":{"timeline":{"events":[${events.join(',')}]}}}}}`
}

/** A JSON object of that many bytes, with the one field that the driver reads. */
function fill(size: number): Buffer {
  let body = filled.get(size)
  if (body === undefined) {
    const empty = '{"next_batch":"s0","end":"e0","fill":""}'
    body = Buffer.from(`${empty.slice(0, -2)}${'x'.repeat(Math.max(0, size - empty.length))}"}`)
    filled.set(size, body)
  }
  return body
}

function answer(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

// A parked request may wait as long as its client does.
server.requestTimeout = 0
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 })}\n`)
})
process.stdin.resume().once('end', () => process.exit(0))
