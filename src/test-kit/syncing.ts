/** Reads `/sync` for people of a test server. */
import type { Person } from './person.ts'

type Json = Record<string, unknown>

/** An event as `/sync` shows it. */
export interface SyncedEvent {
  readonly type: string
  readonly sender?: string
  readonly content: Json
}

/** A response of `/sync`, as far as it is not about timelines. */
export interface SyncView {
  readonly token: string
  readonly presence: readonly SyncedEvent[]
  readonly accountData: readonly SyncedEvent[]
  /** Ephemeral events of a joined room. */
  ephemeral(roomId: string): readonly SyncedEvent[]
  /** Account data of a joined room. */
  roomData(roomId: string): readonly SyncedEvent[]
  /** Timeline events of a joined room. */
  timeline(roomId: string): readonly SyncedEvent[]
  readonly body: Json
}

export interface SyncOptions {
  readonly since?: string
  /** How long to wait for news, in milliseconds of the server's clock. */
  readonly timeout?: number
  readonly filter?: Json
  readonly setPresence?: 'online' | 'unavailable' | 'offline'
}

/** One `/sync`; without `setPresence` the client stays out of sight, so that it is no news itself. */
export const syncAs = async (person: Person, options: SyncOptions = {}): Promise<SyncView> => {
  const { since, timeout = 0, filter, setPresence = 'offline' } = options
  const query = new URLSearchParams({
    timeout: String(timeout),
    set_presence: setPresence,
    ...(since === undefined ? {} : { since }),
    ...(filter === undefined ? {} : { filter: JSON.stringify(filter) }),
  })
  const body = await person.get(`/sync?${query}`)
  const joined = (member(body, 'rooms')['join'] ?? {}) as Record<string, Json>
  const ofRoom = (roomId: string, name: string): SyncedEvent[] => eventsOf(member(joined, roomId)[name])
  return {
    token: String(body['next_batch']),
    presence: eventsOf(body['presence']),
    accountData: eventsOf(body['account_data']),
    ephemeral: roomId => ofRoom(roomId, 'ephemeral'),
    roomData: roomId => ofRoom(roomId, 'account_data'),
    timeline: roomId => ofRoom(roomId, 'timeline'),
    body,
  }
}

/**
 * Syncs on until something holds of a response, and answers that one. Fails after `attempts` responses.
 *
 * Each waits for news until the server's clock has moved; with a clock that stands still that is for ever.
 */
export const syncUntil = async (
  person: Person,
  since: string,
  holds: (view: SyncView) => boolean,
  options: Omit<SyncOptions, 'since'> = {},
): Promise<SyncView> => {
  let token = since
  for (let attempt = 0; attempt < 20; attempt++) {
    const view = await syncAs(person, { timeout: 30_000, ...options, since: token })
    if (holds(view)) return view
    token = view.token
  }
  throw new Error('what was waited for never came')
}

const member = (object: Json, name: string): Json => (object[name] ?? {}) as Json

const eventsOf = (section: unknown): SyncedEvent[] =>
  ((section as { events?: SyncedEvent[] } | undefined)?.events ?? []) as SyncedEvent[]
