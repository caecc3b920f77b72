/** A room of another server, whose history this one asks for. */
import type { ExecutionContext } from 'ava'
import { roomEventFilter } from '../core/filter.ts'
import type { JsonObject } from '../core/json.ts'
import type { FederationClient } from '../network/federation-client.ts'
import type { Database } from '../storage/database.ts'
import { testDatabase } from './database.ts'
import { type FederatedServer, federatedServer, type KeyTable } from './outbound.ts'
import { clientOf, Resident } from './resident.ts'
import { newRoom, requesterOf, type TestRooms, testRooms } from './rooms.ts'

export const ALICE = '@alice:there.test'
export const BOB = '@bob:here.test'
const THERE = 'there.test'
export const ANY = roomEventFilter(undefined)

/** Two servers, one of which has a room with a past. */
export interface HistoryWorld {
  readonly here: FederatedServer
  readonly there: TestRooms
  readonly client: FederationClient
  readonly roomId: string
  say(body: string): Promise<unknown>
  set(type: string, content: JsonObject, stateKey?: string): Promise<unknown>
  joinBob(): Promise<void>
}

/**
 * A server with a public room of Alice's, and another that can ask it for the room's history; `database` is that of the other one,
 * Bob's, by default one of its own.
 */
export const historyWorld = async (t: ExecutionContext, database?: Database): Promise<HistoryWorld> => {
  const there = await testRooms(await testDatabase(t), { serverName: THERE, seed: 2 })
  const keys: KeyTable = new Map([[THERE, there.core.signingKey.publicKey]])
  const client = clientOf([new Resident(there.core)])
  const here = await federatedServer(database ?? (await testDatabase(t)), { federation: client, keys })
  const roomId = await there.rooms.roomCreation.create(
    newRoom(there.rooms, ALICE, { preset: 'public_chat', name: 'Tea' }),
    { isDirect: false },
  )
  const send = (type: string, content: JsonObject, stateKey?: string) =>
    there.core.sender.send(roomId, {
      type,
      sender: ALICE,
      content,
      ...(stateKey === undefined ? {} : { stateKey }),
    })
  return {
    here,
    there,
    client,
    roomId,
    say: body => send('m.room.message', { body, msgtype: 'm.text' }),
    set: (type, content, stateKey = '') => send(type, content, stateKey),
    joinBob: () => here.rooms.memberships.join({ userId: BOB, roomId, via: [THERE] }),
  }
}

/** All that Bob gets by paging back to the end, newest first. */
export const pageBack = async ({ here, roomId }: HistoryWorld, limit = 10): Promise<JsonObject[]> => {
  const events: JsonObject[] = []
  let from: string | undefined
  for (let page = 0; page < 50; page++) {
    const answer = await here.rooms.roomHistory.messages(requesterOf(BOB), roomId, {
      direction: 'b',
      limit,
      from,
      filter: ANY,
    })
    events.push(...answer.chunk.map(text => JSON.parse(text) as JsonObject))
    if (answer.end === undefined) return events
    from = answer.end
  }
  throw new Error('there is no end')
}

/** The texts of what was said, in the order of the events. */
export const bodies = (events: readonly JsonObject[]): unknown[] =>
  events.flatMap(event => (event['content'] as JsonObject)['body'] ?? [])
