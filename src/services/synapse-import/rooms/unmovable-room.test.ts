import test from 'ava'
import { markImport } from '../../../storage/synapse/mark.ts'
import { endedAt } from '../../../test-kit/imported-room.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { roomsStep } from './rooms-step.ts'

testImports(test, 'a room that cannot be moved is named', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!odd:a.test')
  room.add('hello', {})
  const source = await open(endedAt(rooms, room, 'hello'), ROOM_TABLES)
  await markImport(config, 'x')
  const cause = new Error('odd')
  const odd: typeof source = {
    ...source,
    has: (...asked) => source.has(...asked),
    get: (...asked) => source.get(...asked),
    all: (sql, values) =>
      sql.includes('event_forward_extremities') ? Promise.reject(cause) : source.all(sql, values),
  }
  const error = await t.throwsAsync(
    runImport([roomsStep], { source: odd, db, serverName: 'a.test', now: 1 }),
    {
      message: 'the room !odd:a.test cannot be moved',
    },
  )
  t.is(error?.cause, cause)
})
