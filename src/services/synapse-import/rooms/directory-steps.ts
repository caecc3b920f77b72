import { isLenientId } from '../../../core/event/fields.ts'
import { serverNameOf } from '../../../core/ids.ts'
import { AppServiceWriter } from '../../../storage/appservices/app-services.ts'
import type { WriteStatement } from '../../../storage/database.ts'
import { RoomReader } from '../../../storage/rooms/rooms.ts'
import { BulkInsert } from '../../../storage/synapse/bulk-insert.ts'
import { ForgottenRooms } from '../../../storage/synapse/rooms/forgotten-rooms.ts'
import { instanceId } from '../../appservices/third-party.ts'
import { isOfServer } from '../readable.ts'
import type { ImportStep } from '../step.ts'
import { tableStep } from '../table-step.ts'

/** Aliases of this server's own. */
export const aliasesStep: ImportStep = tableStep<{
  room_alias: string
  room_id: string
  creator: string | null
}>({
  name: 'room aliases',
  table: 'room_aliases',
  query: () => ({ from: 'room_aliases', columns: ['room_alias', 'room_id', 'creator'], key: ['room_alias'] }),
  begin: ({ db, serverName, now }, progress) => {
    const aliases = new BulkInsert(db, 'room_aliases', ['alias', 'room_id', 'creator', 'created_ts'])
    return rows => {
      const own = rows.filter(
        ({ room_alias: alias }) => isLenientId(alias, '#') && serverNameOf(alias) === serverName,
      )
      progress.came('room aliases', own.length)
      progress.left('Room aliases of other servers, which are theirs to know', rows.length - own.length)
      return [
        aliases.rows(
          own.map(row => ({
            ...{ alias: row.room_alias, room_id: row.room_id, creator: row.creator ?? '' },
            created_ts: now,
          })),
        ),
      ]
    }
  },
})

/** Rooms that bridges have put into the directories of their networks. */
export const networkRoomsStep: ImportStep = tableStep<{
  appservice_id: string
  network_id: string
  room_id: string
}>({
  name: 'rooms of other networks',
  table: 'appservice_room_list',
  query: () => ({
    from: 'appservice_room_list',
    columns: ['appservice_id', 'network_id', 'room_id'],
    key: ['appservice_id', 'network_id', 'room_id'],
    where: 'appservice_id IS NOT NULL AND network_id IS NOT NULL',
  }),
  begin: ({ db }, progress) => {
    const reader = new RoomReader(db)
    const write = new AppServiceWriter(db)
    return async rows => {
      const statements: WriteStatement[] = []
      for (const { appservice_id: service, network_id: network, room_id: roomId } of rows) {
        const room = await reader.byId(roomId)
        if (room !== undefined) statements.push(write.setListed(instanceId(service, network), room.nid, true))
      }
      progress.came('rooms in the directories of other networks', statements.length)
      progress.left(
        'rooms in the directories of other networks that are not there',
        rows.length - statements.length,
      )
      return statements
    }
  },
})

/** In which room each user is told what the server has to say: Synapse knows it by the tag that it has put on it. */
export const noticeRoomsStep: ImportStep = tableStep<{ user_id: string; room_id: string }>({
  name: 'rooms for notices of the server',
  table: 'local_current_membership',
  query: () => ({
    from: 'local_current_membership m JOIN room_tags t ON m.user_id = t.user_id AND m.room_id = t.room_id',
    columns: ['t.user_id AS user_id', 't.room_id AS room_id'],
    key: ['user_id', 'room_id'].map(name => ({ column: `t.${name}`, name })),
    // Whoever has left one got another.
    where: "t.tag = 'm.server_notice' AND m.membership IN ('join', 'invite')",
  }),
  begin: ({ db, serverName }, progress) => {
    const insert = new BulkInsert(db, 'server_notice_rooms', ['user_id', 'room_id'])
    return rows => {
      const own = rows.filter(row => isOfServer(row.user_id, serverName))
      progress.came('rooms for notices of the server', own.length)
      return [insert.rows(own)]
    }
  },
})

/** Rooms that administrators have blocked. */
export const blockedRoomsStep: ImportStep = tableStep<{ room_id: string; user_id: string }>({
  name: 'blocked rooms',
  table: 'blocked_rooms',
  query: () => ({ from: 'blocked_rooms', columns: ['room_id', 'user_id'], key: ['room_id'] }),
  begin: ({ db, now }, progress) => {
    const blocked = new BulkInsert(db, 'blocked_rooms', ['room_id', 'blocked_by', 'created_ts'])
    return rows => {
      progress.came('blocked rooms', rows.length)
      return [
        blocked.rows(rows.map(row => ({ room_id: row.room_id, blocked_by: row.user_id, created_ts: now }))),
      ]
    }
  },
})

/** Rooms that users have left and do not want to see any more. */
export const forgottenStep: ImportStep = tableStep<{ user_id: string; room_id: string }>({
  name: 'forgotten rooms',
  table: 'local_current_membership',
  query: () => ({
    from: 'local_current_membership m JOIN room_memberships x ON x.event_id = m.event_id',
    columns: ['m.user_id AS user_id', 'm.room_id AS room_id'],
    key: [
      { column: 'm.user_id', name: 'user_id' },
      { column: 'm.room_id', name: 'room_id' },
    ],
    where: "m.membership IN ('leave', 'ban') AND x.forgotten = 1",
  }),
  begin: ({ db }, progress) => {
    const forgotten = new ForgottenRooms(db)
    return rows => {
      progress.came('forgotten rooms', rows.length)
      return [forgotten.mark(rows.map(row => ({ userId: row.user_id, roomId: row.room_id })))]
    }
  },
})
