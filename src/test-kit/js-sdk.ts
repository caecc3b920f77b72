/**
 * matrix-js-sdk as a client in tests: logged in, encrypting, syncing, and waiting by events instead of sleeping.
 *
 * The SDK never clears the time-outs of its requests (up to 110 s each), so a test file that uses it must end its
 * worker itself: `registerCompletionHandler(() => process.exit())`.
 */
import 'fake-indexeddb/auto'
import {
  ClientEvent,
  createClient,
  type MatrixClient,
  type MatrixEvent,
  MatrixEventEvent,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
  SyncState,
} from 'matrix-js-sdk'
import type { CryptoCallbacks } from 'matrix-js-sdk/lib/crypto-api/index.js'
import type { Logger } from 'matrix-js-sdk/lib/logger.js'
import { logger as sdkLogger } from 'matrix-js-sdk/lib/logger.js'
import { RustBackupManager } from 'matrix-js-sdk/lib/rust-crypto/backup.js'
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import { tellState, waitingFor } from './waiting.ts'

// Clients wait for up to ten seconds before they back up keys, so as not to come all at once.
Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 })

/** Milliseconds after which a wait fails: it only turns a hanging test into one that says what did not come. */
const patience = 100_000

/** What the SDK complained about, latest last: silent until a wait fails, since refusals are part of many tests. */
const complaints: string[] = []

/** The SDK reports each request and each step of its cryptography; in tests only the outcome counts. */
const quiet: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (...parts: unknown[]) => {
    complaints.push(parts.map(String).join(' '))
    complaints.splice(0, complaints.length - 10)
  },
  getChild: () => quiet,
}
// Parts of the SDK log past the logger that a client is given.
Object.assign(sdkLogger, quiet, { log: () => {} })

/** A started client of one device. */
export interface SdkUser {
  readonly client: MatrixClient
  readonly userId: string
  /**
   * Waits until `find` answers something, asking again after each event the client emits about rooms.
   * @param what says it in the failure
   */
  until<Found>(what: string, find: (client: MatrixClient) => Found | undefined): Promise<Found>
  /** Waits for a message with that text in the room's timeline as sync delivers it, decrypted if need be. */
  message(roomId: string, text: string): Promise<MatrixEvent>
  /** Waits until this user sees `userId` (default: itself) with that membership. */
  membership(roomId: string, membership: string, userId?: string): Promise<void>
  /** Stops syncing and frees the cryptography, once what it does in the background is done. */
  stop(): Promise<void>
}

/** How a client under test is set up. */
export interface SdkOptions {
  /** Whether it encrypts; by default it does. */
  readonly encryption?: boolean
  readonly cryptoCallbacks?: CryptoCallbacks
  /** Whether it follows by sliding sync; by default by `/sync`. */
  readonly sliding?: boolean
  /** While it is down, all requests fail. */
  readonly network?: { isDown: boolean }
}

/**
 * Logs in with a password as a new device, starts encryption unless told otherwise, and syncs until prepared.
 * @param user localpart or user ID
 */
export async function startSdkUser(
  baseUrl: string,
  user: string,
  password: string,
  options: SdkOptions = {},
): Promise<SdkUser> {
  const session = await createClient({ baseUrl, logger: quiet }).loginRequest({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password,
  })
  const client = createClient({
    baseUrl,
    logger: quiet,
    fetchFn: async (input, init) => {
      if (options.network?.isDown) throw new TypeError('the network is down')
      const what = `${session.user_id}: ${init?.method ?? 'GET'} ${String(input)}`
      const response = await waitingFor(what, fetch(input, init))
      // What was under way when the network went is lost as well.
      if (options.network?.isDown) throw new TypeError('the network is down')
      return response
    },
    userId: session.user_id,
    deviceId: session.device_id,
    accessToken: session.access_token,
    ...(options.cryptoCallbacks === undefined ? {} : { cryptoCallbacks: options.cryptoCallbacks }),
  })
  // A prefix of its own: all clients of the process share one (fake) IndexedDB.
  if (options.encryption !== false)
    await client.initRustCrypto({ cryptoDatabasePrefix: `${session.user_id} ${session.device_id}` })
  const sdkUser = describeUser(client, session.user_id)
  const slidingSync = options.sliding === true ? { slidingSync: slidingSyncOf(client, baseUrl) } : {}
  await client.startClient({ initialSyncLimit: 20, ...slidingSync })
  await sdkUser.until('the first sync', () =>
    client.getSyncState() === SyncState.Prepared || client.getSyncState() === SyncState.Syncing
      ? true
      : undefined,
  )
  return sdkUser
}

/** All rooms in one window. */
const slidingSyncOf = (client: MatrixClient, baseUrl: string): SlidingSync => {
  const config = { timeline_limit: 20, required_state: [['*', '*']] }
  const lists = new Map([['all', { ...config, ranges: [[0, 99]] }]])
  return new SlidingSync(baseUrl, lists, config, client, 10_000)
}

function describeUser(client: MatrixClient, userId: string): SdkUser {
  const until: SdkUser['until'] = (what, find) => untilFound(client, `${userId}: ${what}`, find)
  return {
    client,
    userId,
    until,
    message: (roomId, text) =>
      until(`message "${text}"`, () =>
        client
          .getRoom(roomId)
          ?.getLiveTimeline()
          .getEvents()
          // Without a status it came by sync; with one it is our own echo, not yet confirmed.
          .find(event => event.status === null && event.getContent()['body'] === text),
      ),
    async membership(roomId, membership, member = userId) {
      await until(`${member} is "${membership}"`, () =>
        client.getRoom(roomId)?.getMember(member)?.membership === membership ? true : undefined,
      )
    },
    async stop() {
      // Freeing the cryptography during its own backup check throws inside the SDK, so wait for that check.
      await client.getCrypto()?.checkKeyBackupAndEnable()
      client.stopClient()
    },
  }
}

/** Everything that may bring what a test waits for. */
const occasions = [
  ClientEvent.Sync,
  ClientEvent.Room,
  ClientEvent.Event,
  RoomEvent.Timeline,
  RoomEvent.MyMembership,
  RoomMemberEvent.Membership,
  RoomStateEvent.Events,
  MatrixEventEvent.Decrypted,
] as const

const inVain = (what: string): Error => {
  void tellState()
  return new Error([`waited in vain for ${what}; the SDK said:`, ...complaints].join('\n'))
}

/** The same as a promise of the SDK's; rejects, saying `what` did not come, when it takes too long. */
export const inTime = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  const { promise: over, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(inVain(what)), patience)
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
  }
}

function untilFound<Found>(
  client: MatrixClient,
  what: string,
  find: (client: MatrixClient) => Found | undefined,
): Promise<Found> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer)
      for (const occasion of occasions) client.off(occasion, look)
    }
    const look = () => {
      const found = find(client)
      if (found === undefined) return
      settle()
      resolve(found)
    }
    const timer = setTimeout(() => {
      settle()
      reject(inVain(what))
    }, patience)
    for (const occasion of occasions) client.on(occasion, look)
    look()
  })
}
