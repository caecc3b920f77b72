import test from 'ava'
import { FederationError } from '../../../../network/federation-client.ts'
import { DatabaseUnavailable, type WriteSet } from '../../../../storage/database.ts'
import { testDatabase } from '../../../../test-kit/database.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import { MINUTE, makeRoom, refused, remoteMember, say, world } from '../../../../test-kit/sender-world.ts'

test('what a server never takes is found by halves, set aside and counted', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const first = await w.run()
  await first.stop()
  const bodies = Array.from({ length: 20 }, (_, i) => `m${i};`)
  for (const body of bodies) await say(w, roomId, body)
  for (let n = 0; n < 5; n++) {
    const edu = { destinations: ['b.test'], type: 'm.x', content: { n: `e${n};` }, keep: true }
    await first.sender.edus.queue(edu)
  }
  const setAside: string[] = []
  for (const [before, poison] of ['m13;', 'e3;'].entries()) {
    w.peers.poison = poison
    const { stop } = await w.run({}, kind => setAside.push(kind))
    await eventually('the rest has arrived', async () => {
      const [failing] = await w.outbox.failing()
      const wait = (failing?.retryAt ?? 0) - w.here.clock.now()
      if (wait > 0) await w.here.clock.advance(wait)
      // Also that the last of it has arrived is to be stored before the sender stops.
      return setAside.length > before && (await w.outbox.pendingServers()).length === 0
    })
    await stop()
    w.peers.poison = undefined
    if (poison === 'm13;') {
      const edu = { destinations: ['b.test'], type: 'm.x', content: { n: 'e3;' }, keep: true }
      await first.sender.edus.queue(edu)
    }
  }
  t.deepEqual(
    w.peers.messages('b.test'),
    bodies.filter(body => body !== 'm13;'),
  )
  t.deepEqual(setAside, ['pdu', 'edu'])
  t.true(w.peers.attempts.length < 40, `${w.peers.attempts.length} attempts`)
  t.deepEqual(await w.outbox.pendingServers(), [])
})

test('the page of a proxy that refuses all sets nothing aside', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const setAside: string[] = []
  // "The plain HTTP request was sent to HTTPS port"
  w.peers.down.set('b.test', new FederationError('response', 'b.test', 'status 400', { status: 400 }))
  await w.run({}, kind => setAside.push(kind))
  for (const body of ['one', 'two', 'three']) await say(w, roomId, body)
  await eventually('it is tried again and again', async () => {
    await w.here.clock.advance(60 * MINUTE)
    return w.peers.attempts.length > 8
  })
  w.peers.down.clear()
  await eventually('all is sent', async () => {
    await w.here.clock.advance(26 * 60 * MINUTE)
    return w.peers.messages('b.test').includes('three')
  })
  t.deepEqual(setAside, [])
})

test('a server that takes nothing at all loses little of it', async t => {
  const w = await world(t)
  const setAside: string[] = []
  w.peers.down.set('b.test', refused('b.test'))
  const { sender } = await w.run({}, kind => setAside.push(kind))
  for (let n = 0; n < 100; n++)
    await sender.edus.queue({ destinations: ['b.test'], type: 'm.x', content: { n }, keep: true })
  await eventually('it is tried again and again', async () => {
    await w.here.clock.advance(MINUTE / 2)
    return w.peers.attempts.length > 25
  })
  t.true(setAside.length > 0)
  t.true(setAside.length <= 6, `${setAside.length} of ${w.peers.attempts.length} attempts`)
})

test('what could not be set aside is set aside later', async t => {
  const database = await testDatabase(t)
  const w = await world(t, database)
  const roomId = await makeRoom(w)
  await remoteMember(w, roomId, '@bob:b.test')
  const setAside: string[] = []
  w.peers.poison = 'one'
  await w.run({}, kind => setAside.push(kind))
  const { commit } = database
  let failures = 0
  Object.assign(database, {
    commit: async (set: WriteSet) => {
      const settles = set.statements.some(({ prepared: { sql } }) =>
        sql.includes('last_success_ts = excluded'),
      )
      if (!settles || failures++ > 0) return commit.call(database, set)
      throw new DatabaseUnavailable('the disk is full')
    },
  })
  await say(w, roomId, 'one')
  await eventually('it is given up', async () => {
    await w.here.clock.advance(MINUTE)
    return failures > 1
  })
  await say(w, roomId, 'two')
  await eventually('the next is sent', () => w.peers.messages('b.test').length > 0)
  t.deepEqual(w.peers.messages('b.test'), ['two'])
})
