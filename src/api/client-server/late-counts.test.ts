import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Leases } from '../../storage/leases.ts'
import { testPostgres } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { startTestServer } from '../../test-kit/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
type Body = any

testPostgres(
  test,
  'what is told while the process that counts is dead is told with its count when another counts',
  async (t, database, config) => {
    const directory = mkdtempSync(join(tmpdir(), 'tessera-late-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const clock = new FakeClock()
    const start = () =>
      startTestServer({ database: config, directory, clock, settings: { presence: { enabled: false } } })
    const before = await start()
    const [alice, bob] = [await before.register('alice'), await before.register('bob')]
    const v3 = '/_matrix/client/v3'
    const ask = async (server: typeof before, token: string, method: 'GET' | 'PUT' | 'POST', path: string) =>
      (await server.request(method, `${v3}${path}`, { token, ...(method === 'GET' ? {} : { json: {} }) }))
        .body as Body
    const { body: made } = await before.request('POST', `${v3}/createRoom`, {
      ...{ token: alice.accessToken, json: { preset: 'public_chat' } },
    })
    const { room_id: room } = made as Body
    await ask(before, bob.accessToken, 'POST', `/join/${encodeURIComponent(room)}`)
    let { next_batch: since } = await ask(before, bob.accessToken, 'GET', '/sync')
    await before.close()

    // Whoever counted died a moment ago.
    const lease = { name: 'push', holder: 'dead' }
    const span = { now: clock.now(), until: clock.now() + 30_000 }
    await database.commit({ statements: [new Leases(database).take(lease, span, 'taken')] })
    const server = await start()
    t.teardown(server.close)
    const follow = async (): Promise<unknown> => {
      let answer: Body
      const asked = ask(server, bob.accessToken, 'GET', `/sync?timeout=90000&since=${since}`).then(body => {
        answer = body
      })
      await eventually('an answer', async () => {
        await clock.advance(500)
        return answer !== undefined
      })
      await asked
      since = answer.next_batch
      if (answer.rooms === undefined) return follow()
      const { timeline, unread_notifications: unread } = answer.rooms.join[room]
      return [timeline.events.map(({ content }: Body) => content.body), unread.notification_count]
    }
    const send = `/rooms/${encodeURIComponent(room)}/send/m.room.message/1`
    await server.request('PUT', `${v3}${send}`, {
      ...{ token: alice.accessToken, json: { msgtype: 'm.text', body: 'hello' } },
    })
    t.deepEqual(await follow(), [['hello'], 0])
    t.deepEqual(await follow(), [[], 1])
  },
)
