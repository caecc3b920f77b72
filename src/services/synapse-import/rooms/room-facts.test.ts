import test from 'ava'
import { ErasureReader } from '../../../storage/accounts/erasures.ts'
import { OutboxReader } from '../../../storage/federation/outbox-reader.ts'
import { COUNTER, FollowedStreams } from '../../../storage/followed-streams.ts'
import { ThreadSubscriptionReader } from '../../../storage/push/thread-subscriptions.ts'
import { ReportReader } from '../../../storage/reports.ts'
import { AliasReader } from '../../../storage/rooms/aliases.ts'
import { BlockedRoomReader } from '../../../storage/rooms/blocked-rooms.ts'
import { DelayedEventReader } from '../../../storage/rooms/delayed-events.ts'
import { roomReaders } from '../../../storage/rooms/index.ts'
import { InvitationReader } from '../../../storage/rooms/invitations.ts'
import { ServerNoticeReader } from '../../../storage/rooms/server-notices.ts'
import { markImport } from '../../../storage/synapse/mark.ts'
import { positionOf } from '../../../storage/synapse/rooms/positions.ts'
import { testImports } from '../../../test-kit/synapse.ts'
import { MadeRooms, ROOM_TABLES } from '../../../test-kit/synapse-rooms.ts'
import { runImport } from '../run.ts'
import { users } from '../users.ts'
import { lastSteps, roomSteps } from './steps.ts'

const NOW = 1_800_000_000_000
const GONE = {
  ...{ creation_ts: 1, admin: 0, is_guest: 0, deactivated: 1 },
  ...{ shadow_banned: false, locked: false, suspended: false },
}
const ANN = '@ann:a.test'

testImports(test, 'invitations, knocks and forgotten rooms come over', async (t, db, open, config) => {
  const rooms = new MadeRooms()
  const room = rooms.open('!r:a.test')
  room.member('cleo', '@cleo:a.test', 'invite', { sender: ANN })
  room.member('left', '@dan:a.test', 'leave')
  room.ends('left')
  const elsewhere = rooms.empty('!far:b.test')
  const shown = { type: 'm.room.name', state_key: '', sender: '@ben:b.test', content: { name: 'Far' } }
  const beside = { outlier: true, prev: [], stream: -1 }
  elsewhere.member('invited', ANN, 'invite', {
    ...{ ...beside, sender: '@ben:b.test' },
    unsigned: { invite_room_state: [shown, 'nonsense', { ...shown, event_id: '$x', unsigned: {} }] },
  })
  const asked = rooms.empty('!asked:b.test')
  asked.member('knock', ANN, 'knock', { ...beside, stream: -2, unsigned: { knock_room_state: [shown] } })
  const odd = rooms.empty('!odd:b.test')
  odd.member('odd', ANN, 'invite', { ...beside, stream: -3, text: '[]' })
  const membership = (user_id: string, of: typeof room, name: string, is: string) => ({
    ...{ user_id, room_id: of.roomId, event_id: of.id(name), membership: is },
  })
  const source = await open(
    rooms.rows({
      local_current_membership: [
        membership('@cleo:a.test', room, 'cleo', 'invite'),
        membership('@dan:a.test', room, 'left', 'leave'),
        membership(ANN, room, 'ann', 'join'),
        membership(ANN, elsewhere, 'invited', 'invite'),
        membership(ANN, asked, 'knock', 'knock'),
        membership(ANN, odd, 'odd', 'invite'),
      ],
      room_memberships: [{ ...membership('@dan:a.test', room, 'left', 'leave'), forgotten: 1 }],
    }),
    ROOM_TABLES,
  )
  await markImport(config, 'x')
  const report = await runImport(roomSteps, { source, db, serverName: 'a.test', now: NOW })
  t.is(report.came.get('invitations and knocks'), 3)
  t.deepEqual([...report.left], [['Invitations that cannot be read', 1]])
  const invitations = new InvitationReader(db)
  const invited = await invitations.one(ANN, '!far:b.test')
  t.like(invited, { kind: 'invite', status: 'invited', sender: '@ben:b.test', roomVersion: '10' })
  t.deepEqual(invited?.strippedState, [
    shown,
    shown,
    {
      type: 'm.room.member',
      state_key: ANN,
      sender: '@ben:b.test',
      content: { membership: 'invite', displayname: 'invited' },
    },
  ])
  t.like(await invitations.one(ANN, '!asked:b.test'), { kind: 'knock', status: 'invited' })
  const inRoom = await invitations.one('@cleo:a.test', '!r:a.test')
  t.like(inRoom, { kind: 'invite', sender: ANN, eventId: room.id('cleo') })
  t.true(inRoom?.strippedState.some(({ type }) => type === 'm.room.join_rules'))
  const { memberships, rooms: rows } = roomReaders(db)
  const nid = (await rows.byId('!r:a.test'))?.nid ?? 0
  t.like(await memberships.one('@dan:a.test', nid), { membership: 'leave', forgotten: true })
})

testImports(
  test,
  'aliases, blocked rooms, reports, and what others have not got come over',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.open('!r:a.test')
    room.add('last')
    room.ends('last')
    const source = await open(
      rooms.rows({
        room_aliases: [
          { room_alias: '#r:a.test', room_id: '!r:a.test', creator: ANN },
          { room_alias: '#none:a.test', room_id: '!r:a.test', creator: null },
          { room_alias: '#r:b.test', room_id: '!r:a.test', creator: ANN },
        ],
        users: [{ ...GONE, name: '@gone:a.test' }],
        erased_users: [{ user_id: '@gone:a.test' }],
        blocked_rooms: [{ room_id: '!bad:b.test', user_id: ANN }],
        appservice_room_list: [
          { appservice_id: 'irc', network_id: 'libera', room_id: '!r:a.test' },
          { appservice_id: 'irc', network_id: 'libera', room_id: '!gone:a.test' },
        ],
        local_current_membership: [
          { user_id: ANN, room_id: '!r:a.test', event_id: room.id('ann'), membership: 'join' },
          { user_id: ANN, room_id: '!left:a.test', event_id: '$left', membership: 'leave' },
        ],
        room_tags: [
          { user_id: ANN, room_id: '!left:a.test', tag: 'm.server_notice', content: '{}' },
          { user_id: ANN, room_id: '!r:a.test', tag: 'm.server_notice', content: '{}' },
          { user_id: ANN, room_id: '!r:a.test', tag: 'm.favourite', content: '{}' },
          { user_id: '@ben:b.test', room_id: '!r:a.test', tag: 'm.server_notice', content: '{}' },
        ],
        event_reports: [
          {
            id: 1,
            received_ts: 5,
            room_id: '!r:a.test',
            event_id: room.id('last'),
            user_id: '@ben:a.test',
            reason: 'rude',
          },
        ],
        room_reports: [
          { id: 1, received_ts: 5, room_id: '!r:a.test', user_id: '@ben:a.test', reason: 'all of it' },
        ],
        destinations: [
          { destination: 'b.test', last_successful_stream_ordering: 3 },
          { destination: 'c.test', last_successful_stream_ordering: 6 },
        ],
        destination_rooms: [
          { destination: 'b.test', room_id: '!r:a.test', stream_ordering: 6 },
          { destination: 'c.test', room_id: '!r:a.test', stream_ordering: 6 },
        ],
      }),
      ROOM_TABLES,
    )
    await markImport(config, 'x')
    const report = await runImport([users, ...roomSteps, ...lastSteps], {
      source,
      db,
      serverName: 'a.test',
      now: NOW,
    })
    t.deepEqual(
      ['room aliases', 'blocked rooms', 'reports'].map(what => report.came.get(what)),
      [2, 1, 2],
    )
    t.like(await new AliasReader(db).one('#none:a.test'), { roomId: '!r:a.test' })
    t.is(await new AliasReader(db).one('#r:b.test'), undefined)
    t.is(await new BlockedRoomReader(db).blockedBy('!bad:b.test'), ANN)
    t.is(report.came.get('rooms in the directories of other networks'), 1)
    t.is(report.left.get('rooms in the directories of other networks that are not there'), 1)
    const nid = (await roomReaders(db).rooms.byId('!r:a.test'))?.nid ?? 0
    const listed = 'SELECT instance_id, room_nid FROM app_service_rooms'
    t.deepEqual(await db.all(db.prepare(listed)), [{ instance_id: 'irc|libera', room_nid: nid }])
    const notices = new ServerNoticeReader(db)
    t.is(await notices.roomOf(ANN), '!r:a.test')
    t.is(await notices.roomOf('@ben:b.test'), undefined)
    const [one, two] = await new ReportReader(db).newest(NOW, 9)
    t.like(one?.kind === 'event' ? one : two, {
      userId: ANN,
      reporter: '@ben:a.test',
      reason: 'rude',
      eventId: room.id('last'),
    })
    const outbox = new OutboxReader(db)
    t.deepEqual(
      (await outbox.pendingRooms('b.test', 9)).map(({ since, newest }) => [since, newest]),
      [[positionOf(6), positionOf(6)]],
    )
    t.deepEqual(await outbox.pendingRooms('c.test', 9), [])
    t.is(await new FollowedStreams(db).position(COUNTER), positionOf(7), 'none of it is news')
    t.deepEqual(await new ErasureReader(db).since(0), [{ userId: '@gone:a.test', position: positionOf(7) }])
  },
)

testImports(
  test,
  'threads are followed, and what is to be sent later is sent',
  async (t, db, open, config) => {
    const rooms = new MadeRooms()
    const room = rooms.open('!r:a.test')
    room.add('root')
    room.ends('root')
    const thread = { room_id: room.roomId, event_id: room.id('root'), user_id: ANN }
    const delayed = {
      ...{ user_localpart: 'ann', device_id: 'PHONE', delay: 10, send_ts: 30, room_id: room.roomId },
      ...{ event_type: 'm.call', state_key: 'k', is_processed: false },
    }
    const source = await open(
      rooms.rows({
        thread_subscriptions: [
          { ...thread, stream_id: 1, subscribed: true, automatic: true },
          {
            ...thread,
            stream_id: 2,
            user_id: '@dan:a.test',
            subscribed: false,
            automatic: false,
            unsubscribed_at_stream_ordering: 6,
          },
        ],
        delayed_events: [
          { ...delayed, delay_id: 'one', content: Buffer.from('{"a":1}') },
          { ...delayed, delay_id: 'two', content: Buffer.from('{') },
          { ...delayed, delay_id: 'three', content: Buffer.from('{}'), is_processed: true },
        ],
      }),
      ROOM_TABLES,
    )
    await markImport(config, 'x')
    const report = await runImport(roomSteps, { source, db, serverName: 'a.test', now: NOW })
    t.deepEqual([...report.left], [['Delayed events that cannot be read', 1]])
    const subscriptions = new ThreadSubscriptionReader(db)
    const roomNid = (await roomReaders(db).rooms.byId('!r:a.test'))?.nid ?? 0
    const of = (userId: string) => subscriptions.one({ userId, roomNid, threadId: room.id('root') })
    t.like(await of(ANN), { isSubscribed: true, isAutomatic: true, endedAt: 0 })
    t.like(await of('@dan:a.test'), { isSubscribed: false, endedAt: positionOf(6) })
    t.like(await new DelayedEventReader(db).byId('one'), {
      ...{ userId: ANN, deviceId: 'PHONE', type: 'm.call', stateKey: 'k', content: { a: 1 }, delayMs: 10 },
    })
  },
)
