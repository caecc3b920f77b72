import test from 'ava'
import type { JsonObject } from '../../core/json.ts'
import type { AdminTask } from '../../storage/admin-tasks.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { REDACT_USER, UserRedaction } from './user-redaction.ts'

const ALICE = '@alice:here.test'
const ROOT = '@root:here.test'

testDatabases(test, 'a few at a time, and on from there after a stop', async (t, database) => {
  const { core, rooms, clock } = await testRooms(database)
  const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE), { isDirect: false })
  const said: string[] = []
  for (let n = 0; n < 60; n++) {
    const message = {
      roomId,
      type: 'm.room.message',
      txnId: `${n}`,
      content: { msgtype: 'm.text', body: `${n}` },
    }
    said.push((await rooms.sending.message(requesterOf(ALICE), message)).eventId)
  }
  const left = async (): Promise<number> => {
    let count = 0
    for (const id of said) if ((await core.context.read.events.byId(id))?.redactedBy === undefined) count++
    return count
  }
  const redaction = new UserRedaction(core.context, rooms)
  const params: JsonObject = {
    administrator: ROOT,
    rooms: ['!none:here.test', roomId],
    limit: 55,
    by_administrator: false,
  }
  const known = {
    taskId: 'T',
    action: REDACT_USER,
    resourceId: ALICE,
    params,
    createdTs: 0,
    error: undefined,
  }
  const taskAfter = (result: JsonObject | undefined): AdminTask => ({ ...known, status: 'active', result })
  const stopping = new AbortController()
  let reported: JsonObject | undefined
  const stopped = await redaction.perform({
    task: taskAfter(undefined),
    signal: stopping.signal,
    report: async result => {
      reported = result
      // While the second batch of the room is done.
      if ((result['progress'] as JsonObject)['done'] === 25) stopping.abort()
    },
  })
  t.true('laterTs' in stopped)
  t.is(await left(), 10)
  t.like(reported, { progress: { done: 25 } })

  const running = redaction.perform({
    task: taskAfter(stopped.result),
    signal: new AbortController().signal,
    report: async () => undefined,
  })
  await clock.advance(1000)
  const { result } = await running
  t.is(await left(), 5, 'the oldest are beyond the limit')
  t.deepEqual(UserRedaction.failuresOf(result), {})
})
