/**
 * The yardstick: a bare `node:http` server that does the HTTP work of a homeserver and nothing else. It reads and
 * parses bodies, answers the bytes that it is asked for, parks `/sync` and wakes it on a send. It stores, checks
 * and signs nothing, knows no users, and must stay that plain: its rate is the ceiling that ratios refer to.
 *
 * Run as a process of its own; prints `{"port":n}` once it listens and ends with its standard input.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** Room, as it stands in paths, → tokens that joined it. */
const members = new Map<string, Set<string>>()
/** Token → its parked requests. */
const parked = new Map<string, Set<ServerResponse>>()
/** Token → events that came while it had no parked request; only for tokens that have synced. */
const queued = new Map<string, string[]>()
/** Answers of a given size, made once. */
const filled = new Map<number, Buffer>()
let counter = 0

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const body = get(request, response)
    if (body !== undefined) answer(response, body)
    return
  }
  const parts: Buffer[] = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const text = Buffer.concat(parts).toString()
    // Parsed and thrown away: no homeserver gets around that work.
    if (text !== '') JSON.parse(text)
    if (request.method === 'PUT') put(request, response, text)
    else answer(response, post(request))
  })
})

function put(request: IncomingMessage, response: ServerResponse, text: string): void {
  counter += 1
  const eventId = `$${counter.toString(36).padStart(43, '0')}`
  answer(response, `{"event_id":"${eventId}"}`)
  const room = request.url?.split('/', 7)[5] ?? ''
  const tokens = members.get(room)
  if (tokens !== undefined) for (const token of tokens) deliver(token, room, text)
}

/** Registration, room creation, join and whatever else prepares a run. @returns the answer */
function post(request: IncomingMessage): string {
  counter += 1
  const path = request.url ?? ''
  if (path.endsWith('/register')) return `{"user_id":"@u${counter}:echo","access_token":"t${counter}"}`
  if (path.endsWith('/createRoom')) {
    const roomId = `!r${counter}:echo`
    join(encodeURIComponent(roomId), request)
    return `{"room_id":"${roomId}"}`
  }
  const joined = /\/join\/([^/?]+)/.exec(path)?.[1]
  if (joined !== undefined) join(joined, request)
  return '{}'
}

/** @param room as it stands in paths, percent-encoded */
function join(room: string, request: IncomingMessage): void {
  const tokens = members.get(room) ?? new Set()
  members.set(room, tokens.add(tokenOf(request)))
}

/** @returns the answer, or undefined when the request is parked */
function get(request: IncomingMessage, response: ServerResponse): string | Buffer | undefined {
  const url = request.url ?? ''
  if (!/\/sync\?.*since=/.test(url)) return fill(Number(/bench_bytes=(\d+)/.exec(url)?.[1] ?? 0))
  const token = tokenOf(request)
  const waiting = queued.get(token)
  queued.set(token, [])
  if (waiting !== undefined && waiting.length > 0) return syncBody(waiting)
  const responses = parked.get(token) ?? new Set()
  parked.set(token, responses.add(response))
  response.once('close', () => responses.delete(response))
  return undefined
}

function deliver(token: string, room: string, content: string): void {
  const event = `{"type":"m.room.message","room_id":"${room}","content":${content}}`
  const responses = parked.get(token)
  if (responses === undefined || responses.size === 0) {
    queued.get(token)?.push(event)
    return
  }
  parked.delete(token)
  const body = syncBody([event])
  for (const response of responses) answer(response, body)
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

function answer(response: ServerResponse, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function tokenOf(request: IncomingMessage): string {
  return request.headers.authorization ?? ''
}

// A parked request may wait as long as its client does.
server.requestTimeout = 0
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 })}\n`)
})
process.stdin.resume().once('end', () => process.exit(0))
