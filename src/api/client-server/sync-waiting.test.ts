import { request } from 'node:http'
import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { newPerson, type Person, type SyncBody } from '../../test-kit/people.ts'
import { type RunningTestServer, startTestServer } from '../../test-kit/server.ts'
import { bodies, roomOf } from '../../test-kit/shown.ts'

/** Time and the end of waiting concern everybody on a server: the tests come one after another, the end last. */
const clock = new FakeClock()
const starting = startTestServer({ clock, settings: { presence: { enabled: false } } })
let isOpen = true

const close = async (): Promise<void> => {
  if (isOpen) await (await starting).close()
  isOpen = false
}

test.after.always(close)

/** How many syncs wait for news, as the server tells its operator. */
const waitingSyncs = async (server: RunningTestServer): Promise<number> => {
  const figures = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/^tessera_sync_waiting (\d+)$/m.exec(figures)?.[1])
}

/** Resolves once so many syncs wait: then nothing but news or time can end them. */
const untilWaiting = async (server: RunningTestServer, count: number): Promise<void> => {
  while ((await waitingSyncs(server)) !== count);
}

const timelineOf = (answer: SyncBody, roomId: string) => bodies(answer.rooms?.join?.[roomId]?.timeline.events)

test.serial('a waiting client is woken by what concerns it, and by nothing else', async t => {
  const server = await starting
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const elsewhere = await roomOf(bob)
  const { next_batch: since } = await ann.sync()
  const waiting = ann.sync({ since, timeout: 30_000 })
  await untilWaiting(server, 1)
  await bob.send(elsewhere, 'not for ann')
  await bob.setAccountData('org.a', { a: 1 })
  t.is(await waitingSyncs(server), 1)
  await bob.send(roomId, 'for ann')
  const answer = await waiting
  t.deepEqual(timelineOf(answer, roomId), ['for ann'])

  const reasons: [string, () => Promise<unknown>, (body: SyncBody) => unknown][] = [
    ['account data', () => ann.setAccountData('org.a', { a: 1 }), body => body.account_data],
    ['an invitation', () => bob.change('invite', elsewhere, ann), body => body.rooms?.invite?.[elsewhere]],
    ['joining elsewhere', () => ann.change('join', elsewhere), body => body.rooms?.join?.[elsewhere]],
    ['being removed', () => bob.change('kick', elsewhere, ann), body => body.rooms?.leave?.[elsewhere]],
  ]
  let from = answer.next_batch
  for (const [name, act, found] of reasons) {
    const woken = ann.sync({ since: from, timeout: 30_000 })
    await untilWaiting(server, 1)
    await act()
    const body = await woken
    t.truthy(found(body), name)
    from = body.next_batch
  }
})

test.serial('what a filter keeps out wakes nobody for good', async t => {
  const server = await starting
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const { next_batch: since } = await ann.sync()
  const filter = { room: { timeline: { types: ['m.sticker'] } } }
  const waiting = ann.sync({ since, timeout: 30_000, filter })
  await untilWaiting(server, 1)
  await bob.send(roomId, 'no sticker')
  await bob.send(roomId, { body: 'sticker' }, 'm.sticker')
  t.deepEqual(timelineOf(await waiting, roomId), ['sticker'])
})

test.serial('a wait ends when its time is over, and not before', async t => {
  const server = await starting
  const ann = await newPerson(server)
  await roomOf(ann)
  const { next_batch: since } = await ann.sync()
  let isOver = false
  const waiting = ann.sync({ since, timeout: 30_000 }).then(body => {
    isOver = true
    return body
  })
  await untilWaiting(server, 1)
  await clock.advance(29_000)
  t.is(await waitingSyncs(server), 1)
  t.false(isOver)
  await clock.advance(1_100)
  const answer = await waiting
  t.is(answer.rooms, undefined)
  t.is(answer.next_batch, since)
  // Without a time-out, and initially, nobody waits at all.
  t.is((await ann.sync({ since })).rooms, undefined)
  t.truthy((await ann.sync({ timeout: 30_000 })).rooms)
})

test.serial('however long a client wants to wait, it is answered in time for proxies', async t => {
  const server = await starting
  const ann = await newPerson(server)
  const { next_batch: since } = await ann.sync()
  const waiting = ann.sync({ since, timeout: 1e12 })
  await untilWaiting(server, 1)
  await clock.advance(120_100)
  t.is((await waiting).next_batch, since)
})

/** Begins a sync and answers how to go away in the middle of it. */
const abandonedSync = (person: Person, since: string): (() => void) => {
  const target = `${person.server.url}/_matrix/client/v3/sync?timeout=30000&since=${since}`
  const outgoing = request(target, { headers: { authorization: `Bearer ${person.account.accessToken}` } })
  outgoing.on('error', () => undefined)
  outgoing.end()
  return () => outgoing.destroy()
}

test.serial('a client that goes away leaves nothing behind', async t => {
  const server = await starting
  const ann = await newPerson(server)
  const { next_batch: since } = await ann.sync()
  const goAway = [1, 2, 3].map(() => abandonedSync(ann, since))
  await untilWaiting(server, 3)
  for (const go of goAway) go()
  await untilWaiting(server, 0)
  t.pass()
})

test.serial('many waiting clients of one room all get the same event, once', async t => {
  const server = await starting
  const ann = await newPerson(server)
  const others = await Promise.all(Array.from({ length: 30 }, () => newPerson(server)))
  const roomId = await roomOf(ann, others)
  const tokens = await Promise.all(others.map(async other => (await other.sync()).next_batch))
  const waiting = others.map((other, index) => other.sync({ since: tokens[index], timeout: 30_000 }))
  await untilWaiting(server, others.length)
  await ann.send(roomId, 'all of you')
  const answers = await Promise.all(waiting)
  for (const answer of answers) t.deepEqual(timelineOf(answer, roomId), ['all of you'])
  const after = await Promise.all(others.map((other, n) => other.sync({ since: answers[n]?.next_batch })))
  for (const answer of after) t.is(answer.rooms, undefined)
})

test.serial('stopping the server ends all waits at once', async t => {
  const server = await starting
  const people = await Promise.all([1, 2, 3].map(() => newPerson(server)))
  const tokens = await Promise.all(people.map(async person => (await person.sync()).next_batch))
  const waiting = people.map((person, index) => person.sync({ since: tokens[index], timeout: 30_000 }))
  await untilWaiting(server, 3)
  await close()
  const answers = await Promise.all(waiting)
  t.deepEqual(
    answers.map(answer => answer.next_batch),
    tokens,
  )
})
