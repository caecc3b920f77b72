import { randomBytes } from 'node:crypto'
import type { CliServices } from './cli/ports.ts'
import { refuseIncompleteInstall } from './composition/installed.ts'
import { composeOfflineMedia, copyMedia } from './composition/media.ts'
import { accountsOptionsOf, lifetimesOf, serverNoticesOf } from './composition/options.ts'
import { databaseLocation } from './config/locations.ts'
import { OperatorError } from './config/operator-error.ts'
import type { Config } from './config/schema/index.ts'
import type { Log } from './core/log.ts'
import { formatMxc } from './core/media.ts'
import { Accounts } from './services/accounts/index.ts'
import { repairAfterRestore } from './services/encryption/after-restore.ts'
import { PurgeScope } from './services/rooms/purge-scope.ts'
import { ruledRooms } from './services/rooms/retention.ts'
import { NoticeQueue } from './services/server-notices/notice-queue.ts'
import { UserLister } from './storage/accounts/user-list.ts'
import type { Database } from './storage/database.ts'
import { refuseServed } from './storage/inspect.ts'
import { openDatabase } from './storage/open.ts'
import { ReportReader } from './storage/reports.ts'
import { AbandonedRoomReader } from './storage/rooms/abandoned-rooms.ts'
import { PurgeRequestReader, PurgeRequestWriter } from './storage/rooms/purge-requests.ts'
import { RoomLister } from './storage/rooms/room-list.ts'
import { systemClock } from './system-clock.ts'

/** Opens just enough for commands that change the database beside a running server. */
export const openCliServices = async (config: Config, log: Log): Promise<CliServices> => {
  refuseIncompleteInstall()
  const database = await openDatabase(databaseLocation(config), {
    onMigrated: done => log.info({ ...done }, 'the database schema was brought up to date'),
    log: (level, message) => log[level]({}, message),
  })
  const accounts = new Accounts({ database, clock: systemClock, options: accountsOptionsOf(config) })
  const media = composeOfflineMedia({ config, database, clock: systemClock, log })
  return {
    createUser: async ({ localpart, password, admin }) => {
      const chosen = password ?? madeUp()
      const userId = await accounts.createUser({ username: localpart, password: chosen, isAdmin: admin })
      return password === undefined ? { userId, password: chosen } : { userId }
    },
    createRegistrationToken: async ({ uses, expiresInMs, token }) => {
      const created = await accounts.registrationTokens.create({
        token,
        usesAllowed: uses,
        expiresTs: expiresInMs === undefined ? undefined : systemClock.now() + expiresInMs,
      })
      return { token: created.token }
    },
    registrationTokens: async () =>
      (await accounts.registrationTokens.list()).map(({ completed, ...token }) => ({
        ...token,
        used: completed,
      })),
    deleteRegistrationToken: token => accounts.registrationTokens.delete(token),
    users: userCommands(accounts, database),
    reports: async limit =>
      (await new ReportReader(database).newest(systemClock.now() + 1, limit)).map(report => ({
        createdTs: report.createdTs,
        reporter: report.reporter,
        about: [report.userId, report.roomId, report.eventId].filter(id => id !== undefined).join(' '),
        reason: report.reason,
      })),
    sendNotice: async ({ userId, body }) => {
      const notices = serverNoticesOf(config)
      if (notices === undefined) {
        throw new OperatorError('Set server_notices.localpart first, to the user who shall write notices.')
      }
      const { sender } = notices
      const queue = new NoticeQueue({ database, clock: systemClock, random: randomBytes, sender })
      if (userId === undefined) return queue.toAll({ body })
      await queue.toUser(userId, { body })
      return 1
    },
    repairAfterRestore: async () => {
      await refuseServed(databaseLocation(config), systemClock.now())
      return repairAfterRestore(database, systemClock)
    },
    media: {
      usage: () => media.retention.usage(),
      purge: options => media.retention.purge(options),
      copy: (from, to, onProgress) =>
        copyMedia({ config, database, clock: systemClock }, [from, to], onProgress),
      list: async ({ userId, limit }) => {
        const rows = await media.retention.list(userId, limit)
        return rows.map(({ size: bytes, ...row }) => ({ ...row, uri: formatMxc(row), bytes }))
      },
      quarantine: (uri, isHidden) => media.moderation.quarantineUri(uri, isHidden),
    },
    rooms: roomCommands(config, database),
    close: async () => {
      await media.close()
      await database.close()
    },
  }
}

/** A password that nobody has thought of. */
const madeUp = (): string => randomBytes(12).toString('base64url')

/** What commands ask about accounts, and do to them. */
const userCommands = ({ commands }: Accounts, database: Database): CliServices['users'] => {
  const lister = new UserLister(database)
  return {
    list: ({ match, limit }) => lister.after({ from: '', match, limit }),
    find: userId => lister.one(userId),
    setPassword: async (userId, { password = madeUp(), endSessions }) => {
      await commands.setPassword(userId, password, { endSessions })
      return password
    },
    endSessions: userId => commands.endSessions(userId),
    setFlag: (userId, flag, value) => commands.setFlag(userId, flag, value),
    deactivate: (userId, options) => commands.deactivate(userId, options),
  }
}

/** What commands ask about rooms, and have done to them. */
const roomCommands = (config: Config, database: Database): CliServices['rooms'] => {
  const { serverName } = config
  const lister = new RoomLister(database)
  const scope = new PurgeScope(database, systemClock)
  const whole = new AbandonedRoomReader(database)
  const requests = new PurgeRequestReader(database)
  const requesting = new PurgeRequestWriter(database)
  return {
    list: limit => lister.largest(serverName, limit),
    find: name => lister.one(serverName, name),
    estimate: async (roomId, before) => {
      const room = await lister.one(serverName, roomId)
      if (room === undefined) throw new OperatorError(`There is no room ${roomId} here.`)
      return before === undefined ? whole.size(room.nid) : scope.estimate(room.nid, before)
    },
    expired: async function* () {
      for await (const { nid, roomId, lifetime } of ruledRooms(database, lifetimesOf(config))) {
        const before = systemClock.now() - lifetime
        const size = await scope.estimate(nid, before)
        if (size.events > 0) yield { roomId, before, size }
      }
    },
    purge: async what => {
      const id = randomBytes(12).toString('base64url')
      await database.commit({ statements: [requesting.add(id, what, systemClock.now())] })
      return id
    },
    outcome: id => requests.outcome(id),
  }
}
