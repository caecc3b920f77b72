import type { JsonObject } from '../src/core/json.ts'

/** An event as clients see it, with what the scripts look at. */
export interface SeenEvent {
  readonly type: string
  readonly sender: string
  readonly state_key?: string
  readonly event_id: string
  readonly content: JsonObject & {
    readonly body?: string
    readonly membership?: string
    readonly reason?: string
  }
}

/** The parts of a sync response that the scripts look at. */
export interface SeenSync {
  readonly next_batch: string
  readonly presence?: { readonly events: readonly SeenEvent[] }
  readonly to_device?: { readonly events: readonly SeenEvent[] }
  readonly device_lists?: { readonly changed?: readonly string[] }
  readonly rooms?: {
    readonly invite?: Record<string, { readonly invite_state: { readonly events: readonly SeenEvent[] } }>
    readonly join?: Record<
      string,
      {
        readonly timeline: { readonly events: readonly SeenEvent[] }
        readonly state?: { readonly events: readonly SeenEvent[] }
        readonly ephemeral?: { readonly events: readonly SeenEvent[] }
      }
    >
    readonly leave?: Record<string, object>
  }
}

/** A file on its way. */
export interface TransferredFile {
  readonly contentType: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The header of a response. */
  readonly disposition?: string | undefined
}

/** A Matrix client with nothing but `fetch`, for any homeserver. */
export interface PlainClient {
  readonly userId: string
  readonly deviceId: string
  /** Throws with the server's answer where it refuses; paths without a prefix are those of version 3. */
  call(method: string, path: string, body?: object): Promise<JsonObject>
  /** The same with files instead of JSON. */
  transfer(method: string, path: string, file?: TransferredFile): Promise<TransferredFile>
  /** Long-polls until something in a response is what is waited for. */
  until<T>(what: string, find: (sync: SeenSync) => T | undefined): Promise<T>
  /** Waits for the next message of somebody in a room. */
  hears(roomId: string, from: string): Promise<string>
  say(roomId: string, body: string): Promise<string>
}

const PATIENCE_MS = 60_000
const WAIT_MS = 3000

/** Registers a user (open registration by the dummy stage) and gives a client for them. */
export const registerPlainClient = async (url: string, username: string): Promise<PlainClient> => {
  const base = url.replace(/\/$/, '')
  let token = ''
  const call = async (method: string, path: string, body?: object): Promise<JsonObject> => {
    const response = await fetch(`${base}${path.startsWith('/_matrix') ? '' : '/_matrix/client/v3'}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as JsonObject
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }
  const transfer: PlainClient['transfer'] = async (method, path, file) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(file === undefined ? {} : { 'content-type': file.contentType }),
      },
      ...(file === undefined ? {} : { body: file.bytes }),
    })
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${Buffer.from(bytes)}`)
    return {
      bytes,
      contentType: response.headers.get('content-type') ?? '',
      disposition: response.headers.get('content-disposition') ?? undefined,
    }
  }
  const account = await call('POST', '/register', {
    username,
    password: `${username} likes tea`,
    auth: { type: 'm.login.dummy' },
  })
  token = String(account['access_token'])
  const userId = String(account['user_id'])
  let since = ''
  const until: PlainClient['until'] = async (what, find) => {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
      const query = `timeout=${WAIT_MS}${since === '' ? '' : `&since=${since}`}`
      const sync = (await call('GET', `/sync?${query}`)) as unknown as SeenSync
      since = sync.next_batch
      const found = find(sync)
      if (found !== undefined) return found
    }
    throw new Error(`${userId} has waited in vain for ${what}`)
  }
  let transactions = 0
  return {
    userId,
    deviceId: String(account['device_id']),
    call,
    transfer,
    until,
    hears: async (roomId, from) => {
      const isIt = (event: SeenEvent): boolean => event.type === 'm.room.message' && event.sender === from
      const event = await until(`a message of ${from}`, sync =>
        sync.rooms?.join?.[roomId]?.timeline.events.find(isIt),
      )
      return event.content.body ?? ''
    },
    say: async (roomId, body) => {
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${transactions++}`
      return String((await call('PUT', path, { msgtype: 'm.text', body }))['event_id'])
    },
  }
}
