import test from 'ava'
import { syncFilter } from '../../core/filter.ts'
import type { SyncRequest } from './sync-request.ts'
import { TypingStream } from './typing-stream.ts'

const BOB = '@bob:a.test'
const ROOMS = [1, 2]
const ROOM = { version: '11', headVersion: 1, latestTs: 0, isPublic: false, creator: BOB, createdTs: 0 }

const request: SyncRequest = {
  ...{ requester: { userId: BOB } as SyncRequest['requester'], ignored: new Set(), missed: undefined },
  ...{ filter: syncFilter({}), fullState: false, stateAfter: false, since: 1 },
}

/** The stream of a process that has begun at a position and knows who types in which room, for somebody in `joined`. */
const streamOf = (
  began: number,
  typists: ReadonlyMap<number, string[]>,
  joined: readonly number[] = ROOMS,
  whileReading = () => {},
): TypingStream =>
  new TypingStream({
    typing: {
      get position() {
        return began + typists.size
      },
      changedRooms: after => (after < began ? undefined : new Set([...typists.keys()].slice(after - began))),
      rooms: () => typists.keys(),
      users: nid => typists.get(nid) ?? [],
    },
    watch: { joinedRooms: async () => new Map(joined.map(nid => [nid, 1])) },
    rooms: {
      byNids: async nids => {
        whileReading()
        return nids.map(nid => ({ ...ROOM, nid, roomId: `!${nid}` }))
      },
    },
  })

const told = async (stream: TypingStream, after: number | undefined) => {
  const upTo = Math.max(stream.position(), after ?? 0)
  const { rooms = new Map(), upTo: end = upTo } = await stream.news(request, after, upTo)
  const texts = [...rooms].map(([roomId, { ephemeral = [] }]) => [
    roomId,
    JSON.parse(ephemeral.join()).content.user_ids,
  ])
  return { texts, end }
}

test('a process that was killed leaves nobody typing: whoever was shown them is told by the next one', async t => {
  const first = streamOf(100, new Map([[2, ['@alice:a.test']]]))
  const shown = await told(first, undefined)
  t.deepEqual((await told(first, shown.end)).texts, [], 'is told once')
  const next = streamOf(200, new Map())
  const over = await told(next, shown.end)
  t.deepEqual(over.texts, [
    ['!1', []],
    ['!2', []],
  ])
  t.deepEqual((await told(next, over.end)).texts, [])
})

test('whoever was shown nobody typing is told nothing of a new process but who types now', async t => {
  const quiet = await told(streamOf(100, new Map()), undefined)
  t.deepEqual((await told(streamOf(200, new Map()), quiet.end)).texts, [])
  const busy = streamOf(300, new Map([[1, ['@alice:a.test']]]))
  t.deepEqual((await told(busy, quiet.end)).texts, [['!1', ['@alice:a.test']]])
})

test('whoever begins to type while a response is put together is told with the next one', async t => {
  const typists = new Map<number, string[]>()
  const stream = streamOf(100, typists)
  const upTo = stream.position()
  const begun = { ...request, since: undefined, ends: { typing: upTo } }
  t.deepEqual(await stream.news(begun, undefined, upTo), {})
  typists.set(2, ['@alice:a.test'])
  t.deepEqual(await stream.roomEphemeral(begun, { roomNid: 2, roomId: '!2' }), [])
  const next = await told(stream, upTo)
  t.deepEqual(next.texts, [['!2', ['@alice:a.test']]])
  t.is(next.end % 2, 1, 'and the token says so')
})

test('whoever comes where somebody types already has a token that says so', async t => {
  const joined: number[] = []
  const stream = streamOf(100, new Map([[2, ['@alice:a.test']]]), joined)
  const { end } = await told(stream, undefined)
  joined.push(2)
  const after = await told(stream, end)
  t.is((await stream.roomEphemeral(request, { roomNid: 2, roomId: '!2' })).length, 1)
  t.is(after.end % 2, 1)
  t.is((await told(stream, after.end)).end, after.end)
})

test('whoever begins to type while rooms are read is not shown by a token that does not say so', async t => {
  const typists = new Map<number, string[]>()
  const stream = streamOf(200, typists, ROOMS, () => typists.set(2, ['@alice:a.test']))
  const { texts, end } = await told(stream, 2 * 100 + 1)
  t.deepEqual(texts, [
    ['!1', []],
    ['!2', []],
  ])
  t.is(end % 2, 0)
  t.deepEqual((await told(stream, end)).texts, [['!2', ['@alice:a.test']]])
})
