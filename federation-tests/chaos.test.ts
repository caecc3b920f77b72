import test, { type ExecutionContext } from 'ava'
import { startPostgres } from '../scripts/postgres.ts'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import { PostgresProxy } from '../src/test-kit/postgres-proxy.ts'
import { startWorld } from './chaos-world.ts'
import { Following } from './following.ts'
import { at, by, type Client, register, Storm } from './storm.ts'
import { Troubles } from './troubles.ts'

/**
 * Several processes in a storm of sends, joins, key claims, messages for devices and federation with another server, while
 * they are killed and stand still, and their database is cut off and restarted. The long form, in which all of it happens
 * again and again, the workers are replaced as well, and leases and pauses last as long as in life:
 *
 *   TESSERA_CHAOS_SECONDS=300 npx ava federation-tests/chaos.test.ts
 *
 * TESSERA_CHAOS_WORKERS (2), TESSERA_CHAOS_SEED (1: what happens, and to whom), TESSERA_CHAOS_LEASE (600, long: 10000) and
 * TESSERA_CHAOS_PAUSE (1200, long: 30000), both in milliseconds, change it further.
 */
const from = (name: string, otherwise: number): number =>
  Number(process.env[`TESSERA_CHAOS_${name}`] ?? otherwise)
const LONG_MS = from('SECONDS', 0) * 1_000
const IS_LONG = LONG_MS > 0
const WORKERS = from('WORKERS', 2)
const SEED = from('SEED', 1)
/** Leases pass on after so long. Milliseconds. */
const LEASE_MS = from('LEASE', IS_LONG ? 10_000 : 600)
/** So long a process stands still. Milliseconds. */
const PAUSE_MS = from('PAUSE', IS_LONG ? 30_000 : 1_200)
/** No device may have many more. */
const KEYS = IS_LONG ? 900 : 60
const GROUPS = IS_LONG ? 20 : 2
/** Between two actions of somebody. */
const BREATH_MS = IS_LONG ? 100 : 60

const [HERE, THERE] = ['chaos.test', 'calm.test']

const postgres = process.env['TESSERA_TEST_POSTGRES'] === undefined ? undefined : await startPostgres()
const chaos = (title: string, body: (t: ExecutionContext) => Promise<void>): void => {
  if (postgres !== undefined) test.serial(title, body)
  else if (process.env['CI'] === undefined) test.skip(title, body)
  else test(title, t => t.fail('The programs of PostgreSQL are missing: it is started and stopped here'))
}

chaos('a commit that a crash has swallowed is not taken for one that came after it', async t => {
  if (postgres === undefined) return
  const database = await openDatabase({ kind: 'postgres', url: postgres.url })
  const line = await PostgresProxy.start(t, postgres.url)
  const cutOff = await openDatabase({ kind: 'postgres', url: line.url })
  const insert = (into: Database, name: string) => {
    const prepared = into.prepare('INSERT INTO nid_sequences (name, next) VALUES (?, 1)')
    return into.commit({ statements: [{ prepared, rows: [[name]] }] })
  }
  const crash = async (): Promise<void> => {
    await postgres.restart('immediate')
    // Transactions that are given the numbers of those that were lost.
    for (const name of ['first', 'second', 'third']) await insert(database, name)
    line.cutAt = () => false
  }
  let crashed: Promise<void> | undefined
  line.cutAt = (text, side) => {
    if (side === 'client' && text.includes('COMMIT\0')) crashed ??= crash()
    return crashed !== undefined
  }
  const { ok } = await insert(cutOff, 'swallowed')
  await crashed
  const rows = await database.all(database.prepare("SELECT name FROM nid_sequences WHERE name = 'swallowed'"))
  t.deepEqual({ ok, stored: rows.length }, { ok: true, stored: 1 })
  await Promise.all([database.close(), cutOff.close()])
})

chaos('nothing is lost or doubled when processes die, stand still and lose the database', async t => {
  if (postgres === undefined) return
  t.timeout(LONG_MS * 2 + 600_000)
  const { here, there, line } = await startWorld(t, postgres, {
    ...{ here: HERE, there: THERE, workers: WORKERS, leaseMs: LEASE_MS },
  })
  const [alice, bob, carol] = [
    await register(here, 'alice'),
    await register(here, 'bob'),
    await register(there, 'carol'),
  ]
  const openRoom = async (client: Client): Promise<string> =>
    (await by(client, 'POST', '/createRoom', { preset: 'public_chat' })).room_id
  const rooms = [await openRoom(alice), await openRoom(alice)]
  const theirs = [await openRoom(carol), await openRoom(carol)]
  for (const roomId of rooms) {
    await by(bob, 'POST', `/join/${at(roomId)}`, {})
    await by(carol, 'POST', `/join/${at(roomId)}?via=${HERE}&server_name=${HERE}`, {})
  }
  const numbered = <T>(count: number, make: (n: number) => T): T[] =>
    Array.from({ length: count }, (_, n) => make(n))
  await by(bob, 'POST', '/keys/upload', {
    one_time_keys: Object.fromEntries(numbered(KEYS, n => [`curve25519:${n}`, `key${n}`])),
  })
  const joiners = await Promise.all(
    numbered(GROUPS, n => Promise.all([register(here, `jo${n}`), register(here, `joe${n}`)])),
  )
  const visitors = await Promise.all(numbered(GROUPS, n => register(there, `vi${n}`)))

  const followers = { alice: new Following(alice), bob: new Following(bob), carol: new Following(carol) }
  const storm = new Storm()
  for (const name of ['a', 'b']) storm.sends(alice, rooms, name, BREATH_MS)
  storm.sends(carol, rooms, 'c', 3 * BREATH_MS)
  for (const client of [alice, carol])
    storm.claims(client, bob, Math.max(3 * BREATH_MS, (2 * LONG_MS) / KEYS))
  storm.tells(alice, bob, 2 * BREATH_MS)
  storm.tells(alice, carol, 2 * BREATH_MS)
  storm.tells(carol, bob, 2 * BREATH_MS)
  storm.notes(bob, BREATH_MS)
  storm.reads(bob, rooms, followers.bob.newest, 3 * BREATH_MS)
  storm.logsIn(alice, 5 * BREATH_MS)
  const pauseMs = LONG_MS / GROUPS / rooms.length / 2
  // The first of them bring the rooms here, several at once.
  storm.joins(joiners, [...theirs, ...rooms], THERE, pauseMs / 2)
  storm.joins(
    visitors.map(visitor => [visitor]),
    rooms,
    HERE,
    pauseMs,
  )

  const goesOn = (): Promise<void> => {
    const before = storm.sent.size
    return eventually('the storm goes on', () => storm.sent.size >= before + 6)
  }
  const troubles = new Troubles({
    here,
    line,
    postgres,
    ...{ workers: WORKERS, seed: SEED, leaseMs: LEASE_MS, pauseMs: PAUSE_MS },
  })
  await goesOn()
  // Whoever listens first has all leases.
  await troubles.standStill(1)
  await goesOn()
  troubles.cut()
  await goesOn()
  await troubles.restart(SEED % 2 === 0 ? 'fast' : 'immediate')
  await goesOn()
  await troubles.kill(1)
  await goesOn()
  for (const end = Date.now() + LONG_MS; Date.now() < end; await goesOn()) await troubles.next()
  // Of what is slow on a busy machine nothing may have been done by now.
  await eventually(
    'it was a storm',
    () =>
      [storm.claimed.length, storm.read.size, storm.devices.length].every(count => count > 0) &&
      storm.told.size === 3,
  )
  await storm.end()

  const numbers = (sender: Client, receiver: Client): number[] =>
    numbered(storm.told.get(`${sender.userId} to ${receiver.userId}`) ?? 0, n => n)
  const letters = [
    { to: followers.bob, sender: alice, sent: numbers(alice, bob) },
    { to: followers.bob, sender: carol, sent: numbers(carol, bob) },
    { to: followers.carol, sender: alice, sent: numbers(alice, carol) },
  ]
  await eventually('all messages reach the devices', () =>
    letters.every(({ to, sender, sent }) => (to.messages.get(sender.userId)?.length ?? 0) >= sent.length),
  )
  await eventually('all events reach who follows', () =>
    Object.values(followers).every(({ bodies }) => bodies.length >= storm.sent.size),
  )
  const inRooms = storm.joined.filter(joined => rooms.some(roomId => joined.endsWith(roomId)))
  await eventually('all joins reach who follows', () =>
    Object.values(followers).every(({ joined }) => inRooms.every(one => joined.has(one))),
  )
  await eventually('the last account data reaches who follows', () => followers.bob.noted === storm.noted)
  // Elsewhere the events may be in another order, by which receipts do not go back.
  const untold = () =>
    [...storm.read].flatMap(([where, eventId]) => [
      ...[followers.alice, followers.bob].flatMap(({ read }, index) =>
        read.get(where) === eventId ? [] : `${index} ${where} ${eventId}: ${read.get(where)}`,
      ),
      ...(followers.carol.read.has(where) ? [] : `carol ${where}`),
    ])
  await eventually('the last receipts reach who follows', () => untold().length === 0).catch(error => {
    t.log(untold().join('\n'))
    throw error
  })
  await eventually('all devices reach who follows', () =>
    Object.values(followers).every(({ devices }) => {
      const found = new Set(devices.get(alice.userId))
      return storm.devices.every(deviceId => found.has(deviceId))
    }),
  )
  for (const follower of Object.values(followers)) {
    await follower.end()
    t.deepEqual(follower.doubled, [], 'no event comes twice')
    t.deepEqual(follower.bodies.toSorted(), [...storm.sent.keys()].toSorted(), 'each event once')
  }
  for (const { to, sender, sent } of letters)
    t.deepEqual(to.messages.get(sender.userId) ?? [], sent, 'each message for a device once, in order')
  t.deepEqual(storm.answeredTwice, [], 'one transaction, one event')
  t.is(new Set(storm.claimed).size, storm.claimed.length, 'no key is given twice')
  for (const [client, roomIds] of [
    [alice, rooms],
    [carol, [...rooms, ...theirs]],
  ] as const) {
    for (const roomId of roomIds) {
      const { joined } = await by(client, 'GET', `/rooms/${at(roomId)}/joined_members`)
      const told = storm.joined.filter(one => one.endsWith(roomId)).map(one => one.split(' ')[0] ?? '')
      t.true(
        told.every(userId => userId in joined),
        'all who were told so are in the room',
      )
    }
  }
  if (IS_LONG) t.log(here.complaints.join('\n'))
  t.log({
    sent: storm.sent.size,
    claimed: storm.claimed.length,
    joined: storm.joined.length,
    told: storm.told,
    devices: storm.devices.length,
    troubles: troubles.counts,
  })
  t.is(await here.stop(), 0)
})
