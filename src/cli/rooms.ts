import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfigFlags } from '../config/load.ts'
import { OperatorError } from '../config/operator-error.ts'
import { withServices } from './accounts.ts'
import type { Host } from './host.ts'
import type { CliServices, ListedRoom, PurgeSize } from './ports.ts'
import { positive } from './positive.ts'
import { readable } from './readable.ts'
import { withConfig } from './settings.ts'

const DAY_MS = 86_400_000

/** A server that runs has begun by then; without one a request waits. Milliseconds. */
const PATIENCE_MS = 90_000
const LOOK_EVERY_MS = 500

export interface PurgeOptions {
  readonly dryRun?: boolean
  /** Seconds to wait for the server to do it. */
  readonly wait?: string
}

/** Runs a command over the rooms of the server that the settings name. */
const withRooms = (
  host: Host,
  flags: ConfigFlags,
  command: (rooms: CliServices['rooms']) => Promise<void>,
): Promise<number> =>
  withConfig(host, flags, ({ config }) => withServices(host, config, ({ rooms }) => command(rooms)))

/** Prints the largest rooms: ID, events, members, those of this server, and the name. */
export const roomList = (
  host: Host,
  flags: ConfigFlags,
  options: { readonly limit?: string },
): Promise<number> =>
  withRooms(host, flags, async rooms => {
    const limit = positive('--limit', options.limit ?? '50')
    for (const room of await rooms.list(limit)) {
      const { roomId, events, members, name = '-' } = room
      host.stdout.write(
        `${roomId}  ${events} events  ${members} ${members === 1 ? 'member' : 'members'}, ${oursOf(room)}  ${name}\n`,
      )
    }
  })

/** Who of this server is in a room, and who may still come. */
const oursOf = ({ localMembers, localUsers }: ListedRoom): string => {
  const waiting = localUsers - localMembers
  return `${localMembers} of this server${waiting > 0 ? `, ${waiting} more invited or knocking` : ''}`
}

/** Prints what is known of a room. */
export const roomShow = (host: Host, flags: ConfigFlags, name: string): Promise<number> =>
  withRooms(host, flags, async rooms => {
    const room = await found(rooms, name)
    const size = await rooms.estimate(room.roomId, undefined)
    const facts: Record<string, string> = {
      room: room.roomId,
      name: room.name ?? '-',
      version: room.version,
      made: `${new Date(room.createdTs).toISOString()} by ${room.creator}`,
      members: `${room.members}, ${oursOf(room)}`,
      stored: sizeOf(size),
    }
    for (const [fact, value] of Object.entries(facts)) host.stdout.write(`${fact}: ${value}\n`)
  })

/** Has the history of a room purged, from its beginning to an instant. */
export const roomPurgeHistory = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  options: PurgeOptions & { readonly before?: string; readonly keepDays?: string },
): Promise<number> =>
  withRooms(host, flags, async rooms => {
    const before = instantOf(options)
    const { roomId } = await found(rooms, name)
    const size = await rooms.estimate(roomId, before)
    const until = new Date(before).toISOString()
    host.stdout.write(`${roomId}: ${wouldOrWill(options)} ${sizeOf(size)} of before ${until}\n`)
    if (!options.dryRun) await done(host, rooms, options, [{ roomId, before, isForced: false }])
  })

/** Has a whole room purged that no user of this server is in, or that they are made to leave. */
export const roomPurge = (
  host: Host,
  flags: ConfigFlags,
  name: string,
  options: PurgeOptions & { readonly force?: boolean },
): Promise<number> =>
  withRooms(host, flags, async rooms => {
    const { roomId, localMembers, localUsers } = await found(rooms, name)
    const isForced = options.force === true
    if (localUsers > 0 && !isForced) {
      const who = localUsers === 1 ? '1 user of this server is' : `${localUsers} users of this server are`
      const orNearly = localUsers === localMembers ? '' : ', invited or knocking'
      throw new OperatorError(`${who} in ${roomId}${orNearly}: with --force they leave it.`)
    }
    const size = await rooms.estimate(roomId, undefined)
    host.stdout.write(`${roomId}: ${wouldOrWill(options)} all of it, ${sizeOf(size)}\n`)
    if (localUsers > 0) host.stdout.write(`${localUsers} users of this server leave it first\n`)
    if (!options.dryRun) await done(host, rooms, options, [{ roomId, before: undefined, isForced }])
  })

/** Has all messages purged whose lifetime is over, or says what those are. */
export const retention = (host: Host, flags: ConfigFlags, options: PurgeOptions): Promise<number> =>
  withRooms(host, flags, async rooms => {
    const total = { events: 0, bytes: 0, files: 0, fileBytes: 0 }
    const due: Purge[] = []
    for await (const { roomId, before, size } of rooms.expired()) {
      host.stdout.write(`${roomId}: ${wouldOrWill(options)} ${sizeOf(size)}\n`)
      due.push({ roomId, before, isForced: false })
      total.events += size.events
      total.bytes += size.bytes
      total.files += size.files
      total.fileBytes += size.fileBytes ?? 0
    }
    host.stdout.write(`${due.length} ${due.length === 1 ? 'room' : 'rooms'}, ${sizeOf(total)}\n`)
    if (options.dryRun) return
    await done(host, rooms, options, due)
  })

const wouldOrWill = ({ dryRun }: PurgeOptions): string => (dryRun === true ? 'would delete' : 'deleting')

const sizeOf = ({ events, bytes, files, fileBytes }: PurgeSize): string => {
  const shown = fileBytes === undefined ? `${files} files` : `${files} files (${readable(fileBytes)})`
  return `${events} events (${readable(bytes)}), ${shown}`
}

const found = async (rooms: CliServices['rooms'], name: string): Promise<ListedRoom> => {
  const room = await rooms.find(name)
  if (room === undefined) throw new OperatorError(`There is no room ${name} here.`)
  return room
}

const instantOf = ({ before, keepDays }: { before?: string; keepDays?: string }): number => {
  if ((before === undefined) === (keepDays === undefined)) {
    throw new OperatorError('Say what is to go: either --before 2026-01-31, or --keep-days 90.')
  }
  if (before === undefined) return Date.now() - positive('--keep-days', keepDays ?? '') * DAY_MS
  const instant = Date.parse(before)
  if (!Number.isNaN(instant)) return instant
  throw new OperatorError(`--before ${before} cannot be used: write a date such as 2026-01-31`)
}

type Purge = Parameters<CliServices['rooms']['purge']>[0]

/**
 * Hands all of it to the server, and says what that has done. The server looks once a minute for what it is asked, and does one after
 * another: each has its time from when the one before it was done.
 */
const done = async (
  host: Host,
  rooms: CliServices['rooms'],
  { wait }: PurgeOptions,
  purges: readonly Purge[],
): Promise<void> => {
  const patience = wait === undefined ? PATIENCE_MS : Number(wait) * 1000
  if (!(patience >= 0)) throw new OperatorError(`--wait ${wait} cannot be used: write seconds, such as 90`)
  const asked: { readonly id: string; readonly roomId: string }[] = []
  for (const purge of purges) asked.push({ id: await rooms.purge(purge), roomId: purge.roomId })
  const refusals: string[] = []
  let until = Date.now() + patience
  for (const { id, roomId } of asked) {
    const outcome = await outcomeOf(rooms, id, until)
    if (outcome === undefined) {
      host.stdout.write(`${roomId}: not done yet; the server does it within a minute, or when it starts\n`)
      continue
    }
    until = Date.now() + patience
    if (outcome.refusal === undefined) host.stdout.write(`${roomId}: deleted ${sizeOf(outcome)}\n`)
    else refusals.push(`${roomId}: ${outcome.refusal}`)
  }
  if (refusals.length > 0) throw new OperatorError(refusals.join('\n'))
}

/** What has become of a request; `undefined` if it is not done by an instant (ms). */
const outcomeOf = async (
  rooms: CliServices['rooms'],
  id: string,
  until: number,
): ReturnType<CliServices['rooms']['outcome']> => {
  for (;;) {
    const outcome = await rooms.outcome(id)
    if (outcome !== undefined || Date.now() >= until) return outcome
    await sleep(LOOK_EVERY_MS)
  }
}
