import test from 'ava'
import type { ConnectionKey } from '../../storage/accounts/sliding-connections.ts'
import { Connections } from './connections.ts'
import type { SentRoom } from './sent-room.ts'

const me = (name: string): ConnectionKey => ({ userId: '@me:x', deviceId: 'A', name })

const ROOM: SentRoom = {
  ...{ kind: 'joined', upTo: 1, timelineLimit: 1, requiredState: undefined },
  ...{ isDirect: false, members: new Map() },
}

/** Connections of which so many rooms fit into memory, and the names of those that went from it. */
const start = (max: number) => {
  let next = 1
  const connections = new Connections({ random: () => next++ * 1_000, now: () => 1, max })
  const left: string[] = []
  connections.other = { ...connections.other, leave: ({ name }) => left.push(name) }
  /** Opens one, and has its client told of rooms and come back. */
  const grown = async (name: string, count: number) => {
    const opened = connections.open(me(name))
    const rooms = new Map(Array.from({ length: count }, (_, index) => [`!${index}:x`, ROOM]))
    return connections.resume(me(name), opened.answer(opened.serial, { positions: {}, rooms, owed: {} }))
  }
  return { connections, left, grown }
}

test('connections count by what their clients were told since they were opened', async t => {
  const { left, grown } = start(10)
  await grown('a', 4)
  await grown('b', 4)
  t.deepEqual(left, [])
  await grown('c', 4)
  t.deepEqual(left, ['a'])
})

test('a connection that a request waits with stays, and counts anew when that is answered', async t => {
  const { connections, left, grown } = start(10)
  const first = await grown('a', 4)
  const releases = [connections.hold(me('a'), first), connections.hold(me('a'), first)]
  await grown('b', 4)
  await grown('c', 4)
  t.deepEqual(left, [])
  const rooms = new Map([['!new:x', ROOM]])
  const pos = first.answer(first.serial, { positions: {}, rooms, owed: {} })
  t.is(await connections.resume(me('a'), pos), first)
  releases[0]?.()
  t.deepEqual(left, [], 'there is another request')
  releases[1]?.()
  t.deepEqual(left, ['b', 'c'])
  t.is(connections.find(`@me:x\na\nA`, first.serial), first)
})

test('a connection that was opened anew is not put back by what still waits with the one before', async t => {
  const { connections, grown } = start(10)
  const first = await grown('a', 1)
  const release = connections.hold(me('a'), first)
  const anew = connections.open(me('a'))
  release()
  t.deepEqual(
    [...connections.all()].map(([, connection]) => connection),
    [anew],
  )
  connections.hold(me('a'), first)()
  t.is(connections.find(`@me:x\na\nA`, anew.serial), anew)
})

test('one that is larger than all that may be there stays alone', async t => {
  const { connections, left, grown } = start(10)
  await grown('a', 4)
  const large = await grown('b', 20)
  t.deepEqual(left, ['a'])
  t.deepEqual(
    [...connections.all()].map(([, connection]) => connection),
    [large],
  )
})
