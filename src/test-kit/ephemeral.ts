/** Servers that tell each other what passes: typing, receipts, presence. */
import type { ExecutionContext } from 'ava'
import type { JsonObject } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import { createEphemeral, type Ephemeral, type OutgoingEdu } from '../services/ephemeral/index.ts'
import type { Database } from '../storage/database.ts'
import { FederationWorld, type WorldServer } from './federation-world.ts'
import { newRoom, requesterOf } from './rooms.ts'

export const ALICE = '@alice:a.test'
export const BOB = '@bob:b.test'

/** A server with what passes there; its EDUs reach the others by direct call, or over federation. */
export interface Place extends WorldServer {
  readonly ephemeral: Ephemeral
  readonly sent: OutgoingEdu[]
  /** Whether it lets servers of other names take part in its rooms. */
  isOpen: boolean
}

/** Alice on one server and Bob on another, in one room; `idle` resolves once all EDUs have arrived. */
export const twoPlaces = async (
  t: ExecutionContext,
  database: Database,
  options: { overFederation?: boolean } = {},
) => {
  const world = new FederationWorld(t)
  const places = new Map<string, Place>()
  const deliveries: Promise<void>[] = []
  const add = async (server: WorldServer): Promise<Place> => {
    const sent: OutgoingEdu[] = []
    const tell = (edu: OutgoingEdu): void => {
      sent.push(edu)
      for (const name of edu.destinations)
        deliveries.push(deliver(places.get(name), edu.type, server.name, edu.content))
    }
    const place: Place = Object.assign(server, {
      sent,
      isOpen: true,
      ephemeral: createEphemeral({
        ...{ core: server.core, clock: server.clock, log: silentLog },
        presence: { enabled: true, overFederation: true },
        admits: async () => place.isOpen,
        keepEdus: edus =>
          options.overFederation === true
            ? server.federation.keepEdus(edus)
            : { statements: [], committed: () => edus.map(edu => tell({ ...edu, keep: true })) },
        queueEdu: async edu =>
          options.overFederation === true ? server.federation.queueEdu(edu) : tell(edu),
      }),
    })
    places.set(server.name, place)
    if (options.overFederation === true) {
      for (const [type, handler] of Object.entries(place.ephemeral.handlers))
        server.federation.transactions.onEdu(type, handler)
      server.federation.start()
    }
    return place
  }
  const a = await add(await world.add('a.test', { database }))
  const b = await add(await world.add('b.test'))
  const roomId = await a.rooms.roomCreation.create(newRoom(a.rooms, ALICE, { preset: 'public_chat' }), {
    isDirect: false,
  })
  await b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] })
  await a.federation.idle()
  const say = async (place: Place, userId: string, body: string): Promise<string> => {
    const message = { roomId, type: 'm.room.message', txnId: body, content: { body, msgtype: 'm.text' } }
    return (await place.rooms.sending.message(requesterOf(userId), message)).eventId
  }
  const nidAt = async ({ core }: Place): Promise<number> =>
    (await core.context.read.rooms.byId(roomId))?.nid ?? 0
  const idle = async (): Promise<void> => {
    do {
      await Promise.all(deliveries.splice(0))
      for (const { ephemeral, core } of places.values()) {
        await core.context.processes.bulletin.settled()
        await ephemeral.services.presence.idle()
      }
      // What is told to other servers is told in the background.
      await new Promise(resolve => setImmediate(resolve))
    } while (deliveries.length > 0)
  }
  return { a, b, roomId, say, nidAt, idle }
}

/** Hands a server an EDU, as if another had sent it. */
export const deliver = async (
  to: Place | undefined,
  type: string,
  origin: string,
  content: JsonObject,
): Promise<void> => {
  const handler = Object.entries(to?.ephemeral.handlers ?? {}).find(([name]) => name === type)?.[1]
  await handler?.(origin, content)
}
