import type { ExecutionContext } from 'ava'
import type { RoomEvent } from '../core/event/event.ts'
import type { NewRoom } from '../services/rooms/room-templates.ts'
import { eventually } from './eventually.ts'
import { ALICE, BOB, CAROL, makeRoom, pair } from './federated-pair.ts'
import { type FederationWorld, say, type WorldServer } from './federation-world.ts'

const HOUR = 3_600_000

/** Alice's, Bob's and Carol's servers; Carol's will be gone. */
export interface Three {
  readonly world: FederationWorld
  readonly a: WorldServer
  readonly b: WorldServer
  readonly c: WorldServer
}

export const three = async (t: ExecutionContext): Promise<Three> => {
  const p = await pair(t)
  return { ...p, c: await p.world.add('c.test') }
}

/** Has Bob join through Alice's server, which takes a moment where keys are looked for. */
export const bobJoins = async ({ b }: Three, roomId: string): Promise<void> => {
  let isOver = false
  const joining = b.rooms.memberships.join({ userId: BOB, roomId, via: ['a.test'] }).finally(() => {
    isOver = true
  })
  joining.catch(() => undefined)
  await eventually('he is in', async () => {
    await b.clock.advance(100)
    return isOver
  })
  await joining
}

/** What is said, if nothing else is. */
export const HISTORY = ['one', 'two', 'three', 'four', 'five']

/** Alice and Carol have talked, in turns, before Carol's server was gone and Bob came; answers how Bob's server fetches that. */
export const historyWith = async (
  t: ExecutionContext,
  fields: Partial<NewRoom>,
  isVouchedFor: boolean,
  before: (p: Three, roomId: string) => Promise<unknown> = async () => undefined,
  lines: readonly string[] = HISTORY,
) => {
  const p = await three(t)
  const { world, a, b, c } = p
  const roomId = await makeRoom(a, { preset: 'public_chat', ...fields })
  await c.rooms.memberships.join({ userId: CAROL, roomId, via: ['a.test'] })
  await before(p, roomId)
  const said: RoomEvent[] = []
  for (const [index, body] of lines.entries()) {
    const [by, to] = index % 2 === 0 ? [a, c] : [c, a]
    const event = await say(by, by === a ? ALICE : CAROL, roomId, body)
    said.push(event)
    await world.send(by, to, [event])
  }
  await c.kill()
  if (!isVouchedFor)
    world.intercept = ({ path }) => (path === '/_matrix/key/v2/query' ? 'unreachable' : undefined)
  await bobJoins(p, roomId)
  await eventually('all members are known', async () => {
    await b.clock.advance(1_000)
    return (await b.core.writer.head(roomId))?.partial === undefined
  })
  const fetch = async (limit = 100): Promise<boolean> => {
    let isOver = false
    const fetching = b.federation.fetchHistory(roomId, limit).finally(() => {
      isOver = true
    })
    await eventually('it is fetched', async () => {
      await b.clock.advance(100)
      return isOver
    })
    return fetching
  }
  const { events, rooms } = b.core.context.read
  const range = { after: Number.MIN_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, limit: 1_000 }
  const all = async () => events.forwards({ roomNid: (await rooms.byId(roomId))?.nid ?? 0, ...range })
  const shown = async () =>
    (await all()).flatMap(({ event }) => (event.type === 'm.room.message' ? [event.content['body']] : []))
  const begins = async () => (await all())[0]?.event.type
  const wait = async (hours: number): Promise<void> => {
    for (const { clock } of [a, b]) await clock.advance(hours * HOUR)
  }
  const shownAfterAll = async (limit?: number): Promise<unknown[]> => {
    for (const hours of [1, 1, 22, 2]) {
      await fetch(limit)
      await wait(hours)
    }
    await fetch(limit)
    return shown()
  }
  return { ...p, roomId, said, fetch, shown, begins, wait, shownAfterAll }
}
