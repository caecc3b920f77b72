import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { BOB, completed, DAVE, headOf, joinPartially, scene } from '../../test-kit/partial-join.ts'
import { bodyText } from '../../test-kit/room-sync.ts'
import { requesterOf } from '../../test-kit/rooms.ts'
import { connectEphemeral } from '../sync/ephemeral-streams.ts'
import { createRoomSync } from '../sync/room-sync.ts'
import { createEphemeral } from './index.ts'

const WHOLE = { fullState: false, timeoutMs: 0, stateAfter: false } as const
const NEVER = { position: () => 0, rooms: () => [] }

testDatabases(
  test,
  'how somebody is, told while the members of a room are lacking, is seen once these are known',
  async (t, database) => {
    const s = await scene(t, database)
    const { core, clock } = s.here
    const ephemeral = createEphemeral({
      ...{ core, clock, log: silentLog, admits: async () => true, queueEdu: async () => {} },
      presence: { enabled: true, overFederation: true },
      keepEdus: () => ({ statements: [], committed: () => {} }),
    })
    const { sync, notifier } = createRoomSync(
      { core, database, clock, log: silentLog, storedFilter: () => Promise.reject(new Error('none')) },
      watch => ({
        events: { stream: 'events', follow: upTo => watch.follow(upTo) },
        ...connectEphemeral({ ephemeral, db: database, watch, rooms: core.context.read.rooms }),
        ready: async () => {
          if (watch.position < database.position('events')) await notifier.catchUp()
        },
        counted: () => Number.MAX_SAFE_INTEGER,
        recounting: { receipts: NEVER, account_data: NEVER },
      }),
    )
    t.teardown(() => notifier.close())
    const ask = async (since?: string) => {
      const query = since === undefined ? WHOLE : { ...WHOLE, since }
      const body = await sync.sync(requesterOf(BOB), query, new AbortController().signal)
      return JSON.parse(await bodyText(body))
    }
    const isDaveTold = ({ presence }: { presence?: { events: { sender: string }[] } }): boolean =>
      presence?.events.some(({ sender }) => sender === DAVE) === true

    await joinPartially(s)
    const head = await headOf(s.here, s.roomId)
    t.is(head.memberships.get(DAVE), undefined)
    const tell = (server: string, userId: string) =>
      ephemeral.handlers['m.presence'](server, { push: [{ user_id: userId, presence: 'online' }] })
    await tell('third.test', DAVE)
    await tell('other.test', '@erin:other.test')
    const { states } = ephemeral.services.presence
    t.is(states.get('@erin:other.test'), undefined, 'whose server is not in the room')
    const before = await ask()
    t.false(isDaveTold(before))

    s.open()
    await completed(s)
    const told: unknown[] = []
    let since = String(before.next_batch)
    await eventually('Bob is told of Dave', async () => {
      const answer = await ask(since)
      since = answer.next_batch
      if (isDaveTold(answer)) told.push(answer)
      return told.length > 0
    })
    t.true(states.isIn(DAVE, head.room.nid))
  },
)
