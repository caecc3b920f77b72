import test from 'ava'
import type { Database } from '../../../storage/database.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { endedAt, nameOf, reading } from '../../../test-kit/imported-room.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { roomsStep } from './rooms-step.ts'

/** Older schemas do not tell how a room's state has changed. */
const { current_state_delta_stream: _, ...WITHOUT_CHANGES } = ROOM_TABLES

const worldOf = (db: Database, source: Parameters<typeof roomsStep.count>[0]['source']) => ({
  ...{ source, db, serverName: 'a.test', now: 1_800_000_000_000 },
})

testImports(test, 'of forks each event has the state that Synapse says', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!f:a.test')
  const topic = (name: string, prev: string, before?: readonly string[]) =>
    room.add(name, {
      type: 'm.room.topic',
      stateKey: '',
      prev: [prev],
      content: { topic: name },
      ...(before && { before }),
    })
  topic('left', 'ben')
  topic('right', 'ben')
  room.add('onLeft', { prev: ['left'] })
  room.add('onRight', { prev: ['right'] })
  room.add('merged', {
    prev: ['onLeft', 'onRight'],
    before: ['create', 'ann', 'levels', 'rules', 'ben', 'left'],
  })
  room.add('refused', {
    rejected: true,
    type: 'm.room.name',
    stateKey: '',
    content: { name: 'no' },
    prev: ['merged'],
  })
  room.add('soft', { softFailed: true, prev: ['onRight'] })
  room.add('last', { prev: ['merged'] })
  const source = await open(endedAt(rooms, room, 'last', 'soft'), WITHOUT_CHANGES)
  await markImport(config, 'x')
  await runImport([roomsStep], worldOf(db, source))
  const { read, names, ends, state, before } = await reading(db, '!f:a.test')
  t.deepEqual(names.slice(5), ['left', 'right', 'onLeft', 'onRight', 'merged', 'last'])
  t.deepEqual(ends, ['last'], 'what is soft-failed is no end')
  t.deepEqual(state, ['ann', 'ben', 'create', 'left', 'levels', 'rules'])
  const topics = ['right', 'onLeft', 'onRight', 'merged', 'last']
  t.deepEqual(await Promise.all(topics.map(name => before(name, 'm.room.topic'))), [
    undefined,
    'left',
    'right',
    'left',
    'left',
  ])
  const [refused, soft] = [await read.events.byId('$refused-f'), await read.events.byId('$soft-f')]
  t.like(refused, { rejected: 'auth_error' })
  t.like(soft, { softFailed: true, rejected: undefined })
  const delta = await read.state.delta(soft?.nid ?? 0)
  t.deepEqual(
    delta.map(({ type, nid }) => [type, nid]),
    [['m.room.topic', (await read.events.byId('$right-f'))?.nid]],
  )
})

testImports(
  test,
  'where Synapse tells how it has resolved branches, that is the state',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.open('!f:a.test')
    const topic = (name: string, prev: string) =>
      room.add(name, { type: 'm.room.topic', stateKey: '', prev: [prev], content: { topic: name } })
    topic('left', 'ben')
    topic('right', 'ben')
    room.add('onRight', { prev: ['right'] })
    room.add('onLeft', { prev: ['left'] })
    room.member('cleo', '@cleo:a.test', 'join', { prev: ['onRight'] })
    const base = ['create', 'ann', 'levels', 'rules', 'ben', 'cleo']
    room.add('merged', { prev: ['onLeft', 'cleo'], before: [...base, 'left'] })
    room.ends('merged')
    const change = (stream_id: number, type: string, state_key: string, name: string | undefined) => ({
      ...{ stream_id, room_id: room.roomId, type, state_key },
      event_id: name === undefined ? null : room.id(name),
    })
    const firsts = [
      change(1, 'm.room.create', '', 'create'),
      change(2, 'm.room.member', '@ann:a.test', 'ann'),
      change(3, 'm.room.power_levels', '', 'levels'),
      change(4, 'm.room.join_rules', '', 'rules'),
      change(5, 'm.room.member', '@ben:b.test', 'ben'),
    ]
    const source = await open(
      rooms.rows({
        current_state_delta_stream: [
          ...firsts,
          change(6, 'm.room.topic', '', 'left'),
          // It has come together with what is before it.
          change(8, 'm.room.member', '@cleo:a.test', 'cleo'),
          // Nobody of ours was there for a moment.
          change(9, 'm.room.create', '', undefined),
          change(9, 'm.room.topic', '', undefined),
        ],
      }),
      ROOM_TABLES,
    )
    await markImport(config, 'x')
    await runImport([roomsStep], worldOf(db, source))
    const { read, room: row, names, state, before } = await reading(db, '!f:a.test')
    t.deepEqual(names.slice(5), ['left', 'right', 'onRight', 'onLeft', 'cleo', 'merged'])
    t.deepEqual(state, ['ann', 'ben', 'cleo', 'create', 'left', 'levels', 'rules'])
    const topics = ['right', 'onRight', 'onLeft', 'cleo', 'merged']
    t.deepEqual(
      await Promise.all(topics.map(name => before(name, 'm.room.topic'))),
      topics.map(() => 'left'),
    )
    const own = async (name: string) => {
      const nid = (await read.events.byId(room.id(name)))?.nid ?? 0
      const [delta, ...others] = await read.state.delta(nid)
      t.deepEqual(others, [])
      const [event] = delta?.nid === undefined ? [] : await read.events.byNids([delta.nid])
      return delta && [delta.type, event && nameOf(event.event.eventId)]
    }
    t.deepEqual(await Promise.all([...topics].map(own)), [
      ['m.room.topic', undefined],
      ['m.room.topic', 'right'],
      undefined,
      ['m.room.topic', 'right'],
      undefined,
    ])
    t.is(await before('merged', 'm.room.member', '@cleo:a.test'), 'cleo')
    t.like(await read.memberships.one('@cleo:a.test', row.nid), { membership: 'join', toldFrom: undefined })
  },
)
