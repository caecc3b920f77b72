import test from 'ava'
import type { JsonObject } from '../../../../core/json.ts'
import { leftoverSweeps } from '../../../../storage/leftovers.ts'
import { testDatabases } from '../../../../test-kit/database.ts'
import { eventually } from '../../../../test-kit/eventually.ts'
import { MINUTE, makeRoom, remoteMember, say, unreachable, world } from '../../../../test-kit/sender-world.ts'
import { Receipts } from '../../../ephemeral/receipts.ts'

const CAROL = '@carol:here.test'

testDatabases(
  test,
  'a server that was away for days is told once how far everybody has read, and little is kept for it',
  async (t, database) => {
    const w = await world(t, database)
    const { writer } = w.here.core
    const { clock } = w.here
    const roomId = await makeRoom(w)
    await w.here.rooms.memberships.join({ userId: CAROL, roomId, via: [] })
    for (const server of ['b.test', 'c.test']) await remoteMember(w, roomId, `@bob:${server}`)
    w.peers.down.set('b.test', unreachable('b.test'))
    let running = await w.run()
    const reads = async (eventId: string, threadId?: string): Promise<void> => {
      const keepEdus = running.sender.edus.keep.bind(running.sender.edus)
      const receipts = new Receipts({ writer, clock, keepEdus, admits: async () => true })
      await receipts.mark(CAROL, roomId, [{ type: 'm.read', eventId, threadId }])
    }
    const told = (server: string): string[] =>
      w.peers.edus(server).map(content => {
        const room = (content as JsonObject)[roomId] as { 'm.read': Record<string, JsonObject> }
        const { event_ids: ids, data } = room['m.read'][CAROL] ?? {}
        return `${String(ids)} ${String((data as JsonObject)['thread_id'] ?? 'all')}`
      })
    const waiting = async (server: string): Promise<number> => (await w.outbox.edus(server, 100)).length
    const kept = async (): Promise<number> =>
      (await database.all(database.prepare('SELECT position FROM federation_edus'))).length

    const events: string[] = []
    for (let day = 0; day < 3; day++) {
      for (const body of ['one', 'two', 'three']) {
        const { eventId } = await say(w, roomId, `${day} ${body}`)
        events.push(eventId)
        await reads(eventId)
        await reads(eventId, 'main')
      }
      await clock.advance(24 * 60 * MINUTE)
      await running.stop()
      running = await w.run()
    }
    const last = events.at(-1) ?? ''
    await eventually('who is there is told at once', () => told('c.test').includes(`${last} main`))
    await eventually('all of it', () => told('c.test').includes(`${last} all`))
    await eventually('nothing waits for it', async () => (await waiting('c.test')) === 0)
    t.deepEqual([told('b.test'), await waiting('b.test')], [[], 2])

    for (const sweep of leftoverSweeps(database)) {
      const keys = await sweep.find(clock.now(), 100)
      if (keys.length > 0) await database.commit({ statements: [sweep.remove(keys, clock.now())] })
    }
    t.is(await kept(), 2)

    w.peers.down.clear()
    running.sender.resetBackoff('b.test')
    await clock.advance(MINUTE)
    await eventually('the other is told', async () => (await w.outbox.pendingServers()).length === 0)
    t.deepEqual(told('b.test'), [`${last} all`, `${last} main`])
    t.is(await kept(), 0)
  },
)
