import type { ExecutionContext } from 'ava'
import test from 'ava'
import { type Database, DatabaseUnavailable } from '../../../storage/database.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { POSITIONS_PER_EVENT } from '../../../storage/synapse/rooms/positions.ts'
import { endedAt, nameOf, reading } from '../../../test-kit/imported-room.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { roomsStep, roomsStepBy } from './rooms-step.ts'

const worldOf = (db: Database, source: Parameters<typeof roomsStep.count>[0]['source']) => ({
  ...{ source, db, serverName: 'a.test', now: 1_800_000_000_000 },
})

const positionsOf = (t: ExecutionContext, positions: readonly (number | undefined)[]) =>
  t.deepEqual(
    positions.map(position => (position ?? 0) / POSITIONS_PER_EVENT),
    positions.map((_, index) => index + 1),
  )

testImports(
  test,
  'a room comes over with its timeline, its state and its ends',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.open('!r:a.test', { isPublic: true })
    room.add('hello', { content: { msgtype: 'm.text', body: 'a hidden treasure' } })
    room.add('answer', {
      sender: '@ben:b.test',
      content: { body: 'yes', 'm.relates_to': { rel_type: 'm.thread', event_id: room.id('hello') } },
    })
    room.add('bad', { content: { body: 'to be taken back' } })
    room.add('redaction', { type: 'm.room.redaction', redacts: 'bad', content: {} })
    room.member('gone', '@ben:b.test', 'leave')
    const source = await open(endedAt(rooms, room, 'gone'), ROOM_TABLES)
    await markImport(config, 'x')
    const report = await runImport([roomsStep], worldOf(db, source))
    t.deepEqual(
      [...report.came],
      [
        ['events', 10],
        ['rooms', 1],
      ],
    )
    t.deepEqual([...report.left], [])
    const { read, room: row, timeline, names, ends, state, before } = await reading(db, '!r:a.test')
    t.like(row, { version: '10', isPublic: true, creator: '@ann:a.test', createdTs: 1_700_000_000_001 })
    t.deepEqual(names.slice(0, 6), ['create', 'ann', 'levels', 'rules', 'ben', 'hello'])
    positionsOf(
      t,
      timeline.map(({ position }) => position),
    )
    t.deepEqual([ends, state], [['gone'], ['ann', 'create', 'gone', 'levels', 'rules']])
    t.is(await before('gone', 'm.room.member', '@ben:b.test'), 'ben')
    const redacted = timeline.filter(({ redactedBy }) => redactedBy !== undefined)
    t.deepEqual(
      redacted.map(({ event }) => nameOf(event.eventId)),
      ['bad'],
    )
    t.false('unsigned' in (timeline[0]?.event.pdu ?? {}), 'what Synapse has added is taken away')
    const members = await read.memberships.inRoom(row.nid, ['join', 'leave'])
    t.deepEqual(Object.fromEntries(members.map(({ userId, membership }) => [userId, membership])), {
      '@ann:a.test': 'join',
      '@ben:b.test': 'leave',
    })
    t.is(db.position('events'), 11 * POSITIONS_PER_EVENT, 'what comes next stands behind all of it')
    t.is(db.position('imported'), 1, 'tokens of Synapse are read')
  },
)

testImports(test, 'what is missing is known to be', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.empty('!h:b.test')
  // The state at the join is beside the timeline; some of the past was fetched later.
  const beside = { outlier: true, sender: '@ben:b.test' }
  room.add('create', {
    ...beside,
    stream: -1,
    type: 'm.room.create',
    stateKey: '',
    content: { creator: '@ben:b.test' },
  })
  room.member('ben', '@ben:b.test', 'join', { ...beside, stream: -2, prev: ['create'] })
  room.add('rules', {
    ...beside,
    stream: -3,
    prev: ['ben'],
    type: 'm.room.join_rules',
    stateKey: '',
    content: { join_rule: 'public' },
  })
  const state = ['create', 'ben', 'rules']
  room.member('ann', '@ann:a.test', 'join', { prev: ['older'], before: state, depth: 10 })
  room.add('older', { sender: '@ben:b.test', stream: -4, prev: ['lost'], before: state, depth: 9 })
  room.add('hello', { prev: ['ann'], depth: 11 })
  room.add('between', {
    sender: '@ben:b.test',
    stream: -5,
    prev: ['unknown'],
    before: [...state, 'ann'],
    depth: 30,
  })
  room.add('back', {
    sender: '@ben:b.test',
    stream: 90,
    prev: ['between', 'other'],
    before: [...state, 'ann'],
    depth: 31,
  })
  const source = await open(endedAt(rooms, room, 'back'), ROOM_TABLES)
  await markImport(config, 'x')
  await runImport([roomsStep], worldOf(db, source))
  const { read, room: row, timeline, names, before } = await reading(db, '!h:b.test')
  t.deepEqual(names, ['older', 'ann', 'hello', 'between', 'back'])
  t.true((timeline[0]?.position ?? 0) < 0)
  t.is(await before('older', 'm.room.join_rules'), 'rules')
  t.is(await before('older', 'm.room.member', '@ann:a.test'), undefined)
  t.is(await before('hello', 'm.room.member', '@ann:a.test'), 'ann')
  t.like(await read.events.byId('$rules-h'), { position: undefined, rejected: undefined })
  const missing = await read.rooms.missingEvents(row.nid)
  t.deepEqual(
    missing.map(({ missingEventId }) => nameOf(`${missingEventId}`)),
    ['other', 'unknown', 'lost'],
  )
  const gaps = await read.gaps.ofRoom(row.nid)
  t.deepEqual(
    gaps.map(({ floor }) => floor),
    [90 * POSITIONS_PER_EVENT],
    'there is room for what is missing',
  )
  t.true(
    db.position('backfill') >= -(timeline[0]?.position ?? 0),
    'what is fetched from now on stands before it',
  )
})

testImports(test, 'what cannot be read is left out, and told', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!r:a.test')
  room.add('broken', { text: '{' })
  room.add('deep', { text: `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}` })
  room.add('odd', { type: 'm.room.name', stateKey: '', text: JSON.stringify({ type: 5 }) })
  room.add('nul', { content: { body: '\u0000' } })
  const strange = { room_id: room.roomId, sender: '@ann:a.test', content: { '\u0000': '\u0000' }, depth: 9 }
  const proofs = { hashes: { sha256: '\u0000' }, signatures: {}, origin_server_ts: 1, auth_events: [] }
  const text = JSON.stringify({
    ...strange,
    ...proofs,
    prev_events: [room.id('nul')],
    type: 'a\u0000',
    state_key: '\u0000',
  })
  room.add('strange', { type: 'a', stateKey: 'b', text })
  room.add('last', {})
  room.ends('last')
  rooms.open('!v:a.test', { version: 'org.example.future' }).ends('ben')
  const source = await open(rooms.rows(), ROOM_TABLES)
  await markImport(config, 'x')
  const report = await runImport([roomsStep], worldOf(db, source))
  t.deepEqual(
    [...report.came],
    [
      ['events', 8],
      ['rooms', 1],
    ],
  )
  t.deepEqual(
    new Map(report.left),
    new Map([
      ['Events that cannot be read', 3],
      ['Rooms of version org.example.future, which Tessera does not know', 1],
    ]),
  )
  const { names, state } = await reading(db, '!r:a.test')
  t.deepEqual(names.slice(5), ['nul', 'strange', 'last'])
  t.deepEqual(state, ['ann', 'ben', 'create', 'levels', 'rules', 'strange'])
})

testImports(test, 'rooms go on in the middle of where they were interrupted', async (t, db, open, config) => {
  const made = new MadeRooms()
  const rooms = ['!one:a.test', '!two:a.test', '!three:a.test'].map(roomId => made.open(roomId))
  for (const room of rooms) for (const name of ['a', 'b', 'c', 'd', 'e']) room.add(name)
  for (const room of rooms) room.ends('e')
  const source = await open(made.rows(), ROOM_TABLES)
  await markImport(config, 'x')
  let left = 9
  const failing = {
    ...source,
    all: async <T extends object>(...query: Parameters<typeof source.all>): Promise<T[]> => {
      if (query[0].includes('stream_ordering > ?') && left-- === 0)
        throw new DatabaseUnavailable('interrupted')
      return source.all<T>(...query)
    },
  }
  const step = roomsStepBy(3)
  await t.throwsAsync(runImport([step], worldOf(db, failing)), { message: 'interrupted' })
  const report = await runImport([step], worldOf(db, source))
  t.deepEqual(
    new Map(report.came),
    new Map([
      ['events', 30],
      ['rooms', 3],
    ]),
  )
  for (const { roomId } of rooms) {
    const { names, ends } = await reading(db, roomId)
    t.deepEqual([names.length, ends], [10, ['e']])
  }
})

testImports(
  test,
  'a room of which Synapse does not know all members goes on lacking them',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.empty('!p:b.test')
    const beside = { outlier: true, sender: '@ben:b.test' }
    const create = { type: 'm.room.create', stateKey: '', content: { creator: '@ben:b.test' } }
    room.add('create', { ...beside, ...create, stream: -1 })
    room.member('ben', '@ben:b.test', 'join', { ...beside, stream: -2, prev: ['create'] })
    room.member('ann', '@ann:a.test', 'join', { prev: ['older'], before: ['create', 'ben'], depth: 10 })
    room.add('hello', { sender: '@ben:b.test', depth: 11 })
    room.ends('hello')
    const source = await open(
      rooms.rows({
        partial_state_rooms: [{ room_id: room.roomId, join_event_id: room.id('ann') }],
        partial_state_rooms_servers: ['b.test', 'c.test', 'a.test'].map(server_name => ({
          ...{ room_id: room.roomId, server_name },
        })),
      }),
      ROOM_TABLES,
    )
    await markImport(config, 'x')
    await runImport([roomsStep], worldOf(db, source))
    const { read, room: row, timeline } = await reading(db, room.roomId)
    const partial = await read.partial.open(row.nid)
    t.like(partial, { joinEventId: room.id('ann'), joinedAt: timeline[0]?.position })
    t.deepEqual(partial?.servers.toSorted(), ['b.test', 'c.test'])
  },
)
