import test from 'ava'
import { ROOM_ORDERS } from '../../storage/rooms/room-catalogue.ts'
import { type AdminBody, administeredPeople } from '../../test-kit/administered-people.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'

const path = encodeURIComponent

/** One member of each entry of a list. */
const each = (body: AdminBody, list: string, member: string): unknown[] =>
  (body[list] as AdminBody[]).map(entry => entry[member])

testDatabases(test, 'rooms are listed, looked into and blocked', async (t, _, database) => {
  const { ask, code, root, ann, bob } = await administeredPeople(t, database)
  const options = { name: 'Ärger', room_alias_name: 'one', visibility: 'public' }
  const open = await ann.createOpenRoom({ ...options, topic: 'about' })
  const closed = await ann.createRoom({ name: 'closed \u0000' })
  const space = await ann.createRoom({ creation_content: { type: 'm.space', 'm.federate': false } })
  await ann.setState(space, 'm.space.child', { via: ['localhost'] }, closed)
  await bob.join(open)
  const said = await ann.say(closed, 'a secret')

  const rooms = (query: string) => ask('GET', `/v1/rooms?${query}`)
  for (const order of [...ROOM_ORDERS, 'alphabetical', 'size']) {
    for (const dir of ['f', 'b']) {
      const found = each(await rooms(`order_by=${order}&dir=${dir}`), 'rooms', 'room_id')
      t.deepEqual(found.toSorted(), [open, closed, space].toSorted(), `${order} ${dir}`)
    }
  }
  t.deepEqual(each(await rooms('order_by=joined_members&limit=1'), 'rooms', 'room_id'), [open])
  t.like(await rooms('order_by=joined_members&limit=1&from=1'), {
    total_rooms: 3,
    next_batch: 2,
    prev_batch: 0,
  })
  t.like(await rooms('from=2&limit=10'), { offset: 2, prev_batch: 0 })
  for (const term of ['ärg', 'ONE', open, 'about'])
    t.deepEqual(each(await rooms(`search_term=${path(term)}`), 'rooms', 'room_id'), [open], term)
  t.deepEqual(each(await rooms('public_rooms=true'), 'rooms', 'room_id'), [open])
  t.deepEqual(each(await rooms('empty_rooms=true'), 'rooms', 'room_id'), [])
  t.is((await rooms('empty_rooms=false&public_rooms=false'))['total_rooms'], 2)
  t.is(await code('GET', '/v1/rooms?order_by=colour'), '400 M_INVALID_PARAM')
  t.is(await ann.code('GET', '/_matrix/../_synapse/admin/v1/rooms'), '404 M_UNRECOGNIZED')

  const room = `/v1/rooms/${path(open)}`
  t.like(await ask('GET', room), {
    ...{
      room_id: open,
      name: options.name,
      canonical_alias: '#one:localhost',
      topic: 'about',
      creator: ann.userId,
    },
    ...{
      joined_members: 2,
      joined_local_members: 2,
      joined_local_devices: 2,
      public: true,
      federatable: true,
    },
    ...{ join_rules: 'public', guest_access: 'forbidden', history_visibility: 'shared', room_type: null },
    ...{ forgotten: false, tombstoned: false, replacement_room: null },
  })
  t.like(await ask('GET', `/v1/rooms/${path(space)}`), { federatable: false, room_type: 'm.space' })
  t.is(await code('GET', '/v1/rooms/!none:localhost'), '404 M_NOT_FOUND')
  const { members, total } = (await ask('GET', `${room}/members`)) as { members: string[]; total: number }
  t.deepEqual([members.toSorted(), total], [[ann.userId, bob.userId].toSorted(), 2])

  const secret = `/v1/rooms/${path(closed)}`
  t.deepEqual(each(await ask('GET', `${secret}/state?type=m.room.name`), 'state', 'content'), [
    { name: 'closed \u0000' },
  ])
  const [newest] = (await ask('GET', `${secret}/messages?dir=b&limit=1`))['chunk'] as AdminBody[]
  t.is(newest?.['event_id'], said, 'who is not in the room reads it all the same')
  t.like(await ask('GET', `${secret}/context/${path(said)}?limit=2`), { event: { event_id: said } })
  t.is(await code('GET', `${secret}/context/$none`), '404 M_NOT_FOUND')
  const at = `${secret}/timestamp_to_event?dir=b&ts=${Date.now() + 60_000}`
  t.is((await ask('GET', at))['event_id'], said)
  t.deepEqual(each(await ask('GET', `/v1/rooms/${path(space)}/hierarchy`), 'rooms', 'room_id'), [
    space,
    closed,
  ])
  t.like(await ask('GET', `/v1/fetch_event/${path(said)}`), {
    event: { event_id: said, room_id: closed, content: { body: 'a secret' } },
  })
  t.is(await code('GET', '/v1/fetch_event/$none'), '404 M_NOT_FOUND')
  t.is(await root.code('GET', `/rooms/${path(closed)}/messages?dir=b`), '403 M_FORBIDDEN', 'only by this way')

  t.deepEqual(await ask('GET', `${room}/block`), { block: false })
  t.deepEqual(await ask('PUT', `${room}/block`, { block: true }), { block: true })
  t.deepEqual(await ask('GET', `${room}/block`), { block: true, user_id: root.userId })
  t.is(await root.code('POST', `/join/${path(open)}`, {}), '403 M_FORBIDDEN')
  t.is(await ann.code('POST', `/rooms/${path(open)}/invite`, { user_id: root.userId }), '403 M_FORBIDDEN')
  t.deepEqual(await ask('PUT', `${room}/block`, { block: false }), { block: false })
  t.is(await code('PUT', '/v1/rooms/x/block', { block: true }), '400 M_INVALID_PARAM')
  t.is(await code('PUT', `${room}/block`, {}), '400 M_MISSING_PARAM')

  t.deepEqual(await ask('POST', `/v1/join/${path('#one:localhost')}`, { user_id: root.userId }), {
    room_id: open,
  })
  t.is(await code('POST', `/v1/join/${path(closed)}`, { user_id: bob.userId }), '403 M_FORBIDDEN')
  t.is(await code('POST', `/v1/join/${path(open)}`, { user_id: '@none:localhost' }), '404 M_NOT_FOUND')
  t.is(await code('POST', `/v1/join/${path(open)}`, { user_id: '@a:elsewhere.test' }), '400 M_INVALID_PARAM')
  t.deepEqual(await ask('POST', `${secret}/make_room_admin`, {}), {})
  await root.join(closed)
  await ask('POST', `/v1/join/${path(closed)}`, { user_id: bob.userId })
  const { users } = await bob.get(`/rooms/${path(closed)}/state/m.room.power_levels`)
  t.is((users as Record<string, number>)[root.userId], 100)
  t.is(await code('POST', '/v1/rooms/!none:localhost/make_room_admin', {}), '404 M_NOT_FOUND')

  t.like(await ask('GET', `/v1/rooms/${path('#one:localhost')}/forward_extremities`), { count: 1 })
  t.deepEqual(await ask('DELETE', `${room}/forward_extremities`), { deleted: 0 })
  const { rooms: largest } = await ask('GET', '/v1/statistics/database/rooms')
  t.true((largest as AdminBody[]).every(({ estimated_size: size }) => Number(size) > 1_000))
})

testDatabases(test, 'rooms are deleted, and histories purged', async (t, _, database) => {
  const { ask, code, root, ann, bob } = await administeredPeople(t, database)
  const room = await ann.createOpenRoom({ room_alias_name: 'gone' })
  await bob.join(room)
  await ann.say(room, 'one')
  const two = await ann.say(room, 'two')
  await ann.say(room, 'three')

  const purge = `/v1/purge_history/${path(room)}`
  const isOver = async (status: string): Promise<boolean> =>
    ['complete', 'failed'].includes(String((await ask('GET', status))['status']))
  const { purge_id: purgeId } = await ask('POST', `${purge}/${path(two)}`, { delete_local_events: true })
  const status = `/v1/purge_history_status/${String(purgeId)}`
  await eventually('the history is purged', () => isOver(status))
  t.deepEqual(await ask('GET', status), { status: 'complete' })
  const { chunk } = await ann.get(`/rooms/${path(room)}/messages?dir=b&limit=50`)
  t.deepEqual(
    (chunk as AdminBody[]).map(({ content }) => (content as AdminBody)['body']),
    ['three', 'two'],
  )
  t.is(await code('POST', purge, {}), '400 M_BAD_JSON')
  t.is(await code('POST', purge, { purge_up_to_ts: 5 }), '404 M_NOT_FOUND')
  t.is(await code('POST', `${purge}/$none`, {}), '404 M_NOT_FOUND')
  t.is(await code('GET', '/v1/purge_history_status/none'), '404 M_NOT_FOUND')

  const order = { new_room_user_id: root.userId, message: 'So it is', room_name: 'Sorry', block: true }
  t.is(
    await code('DELETE', `/v2/rooms/${path(room)}`, { new_room_user_id: '@a:elsewhere.test' }),
    '400 M_INVALID_PARAM',
  )
  t.is(await code('DELETE', `/v2/rooms/${path(room)}`, { block: 'yes' }), '400 M_BAD_JSON')
  t.is(await code('GET', `/v2/rooms/${path(room)}/delete_status`), '404 M_NOT_FOUND')
  const { delete_id: deleteId } = await ask('DELETE', `/v2/rooms/${path(room)}`, order)
  const deletion = `/v2/rooms/delete_status/${String(deleteId)}`
  await eventually('the room is deleted', () => isOver(deletion))
  const done = await ask('GET', deletion)
  t.like(done, { room_id: room, status: 'complete', delete_id: deleteId })
  const shutdown = done['shutdown_room'] as Record<string, unknown>
  t.like(shutdown, { kicked_users: [ann.userId, bob.userId], local_aliases: ['#gone:localhost'] })
  t.deepEqual(await ask('GET', `/v2/rooms/${path(room)}/delete_status`), { results: [done] })
  t.is(await code('GET', `/v1/rooms/${path(room)}`), '404 M_NOT_FOUND')
  t.like(await ask('GET', `/v1/rooms/${path(room)}/block`), { block: true })
  const instead = String(shutdown['new_room_id'])
  t.like(await ann.get(`/directory/room/${path('#gone:localhost')}`), { room_id: instead })
  const { chunk: told } = await bob.get(`/rooms/${path(instead)}/messages?dir=b&limit=1`)
  t.like((told as AdminBody[])[0], { sender: root.userId, content: { body: 'So it is' } })
  t.is(
    await bob.code('PUT', `/rooms/${path(instead)}/send/m.room.message/1`, {
      msgtype: 'm.text',
      body: 'But',
    }),
    '403 M_FORBIDDEN',
  )

  const other = await ann.createRoom()
  const nobody = { kicked_users: [], failed_to_kick_users: [], local_aliases: [], new_room_id: null }
  t.deepEqual(await ask('DELETE', `/v1/rooms/${path(other)}`, { purge: false }), {
    ...nobody,
    kicked_users: [ann.userId],
  })
  t.like(await ask('GET', `/v1/rooms/${path(other)}`), { joined_members: 0, forgotten: true })
  t.deepEqual(await ask('DELETE', `/v1/rooms/${path(other)}`, {}), nobody)
  t.is(await code('GET', `/v1/rooms/${path(other)}`), '404 M_NOT_FOUND')
  const tasks = async (query: string) =>
    each(await ask('GET', `/v1/scheduled_tasks?${query}`), 'scheduled_tasks', 'id')
  t.deepEqual(await tasks(`action_name=shutdown_and_purge_room&status=complete&resource_id=${path(room)}`), [
    deleteId,
  ])
  t.deepEqual(await tasks('job_status=active&job_status=failed'), [])
  t.is((await tasks(`action_name=purge_history&max_timestamp=${Date.now() + 1000}`)).length, 1)
})
