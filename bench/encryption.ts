import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../src/core/log.ts'
import { createEncryption, type Encryption } from '../src/services/encryption/index.ts'
import { noRemoteKeys } from '../src/services/encryption/ports.ts'
import { noEdus } from '../src/services/kept-edus.ts'
import { DeviceWriter } from '../src/storage/accounts/devices.ts'
import { UserWriter } from '../src/storage/accounts/user-writer.ts'
import type { Database } from '../src/storage/database.ts'
import { openDatabase } from '../src/storage/open.ts'
import { roomReaders } from '../src/storage/rooms/index.ts'
import { MembershipWriter } from '../src/storage/rooms/membership-writer.ts'
import { systemClock } from '../src/system-clock.ts'

/**
 * What the large requests of encrypted rooms cost, on SQLite with commits that reach the disk: claiming keys of many
 * devices, a change of somebody who is in many rooms, a message for each of many devices. `node bench/encryption.ts`
 */
const DEVICES = 1_000
const ROOMS = 500
const MESSAGES = 10_000
const ROUNDS = 5

const ME = '@me:bench.test'
const userOf = (index: number): string => `@u${index}:bench.test`

const keysOf = (userId: string, deviceId: string, round: number) => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.megolm.v1.aes-sha2'],
  keys: { [`curve25519:${deviceId}`]: `key ${round}` },
  signatures: {},
})

/** A thousand devices, each with a handful of keys; one of their users is in five hundred rooms. */
const prepare = async (database: Database, encryption: Encryption): Promise<void> => {
  const [users, devices] = [new UserWriter(database), new DeviceWriter(database)]
  for (let index = 0; index < DEVICES; index++) {
    const userId = userOf(index)
    const user = { userId, passwordHash: undefined, kind: 'user', isAdmin: false, createdTs: 0 } as const
    await database.commit({ statements: [users.insert(user), devices.insert(userId, 'D', undefined, 0)] })
    const names = Array.from({ length: ROUNDS + 1 }, (_, key) => [
      `signed_curve25519:K${key}`,
      { key: 'x'.repeat(43), signatures: { [userId]: { 'ed25519:D': 'y'.repeat(86) } } },
    ])
    await encryption.deviceKeys.upload(userId, 'D', {
      device_keys: keysOf(userId, 'D', 0),
      one_time_keys: Object.fromEntries(names),
    })
  }
  const room = database.prepare(
    `INSERT INTO rooms (room_nid, room_id, version, head_version, is_public, creator, created_ts)
     VALUES (?, ?, '12', 1, 0, 'x', 0)`,
  )
  const nids = Array.from({ length: ROOMS }, (_, index) => index + 1)
  const members = nids.map(roomNid => ({
    roomNid,
    userId: userOf(0),
    host: 'bench.test',
    membership: 'join' as const,
    eventNid: roomNid,
    position: roomNid,
  }))
  await database.commit({
    statements: [
      { prepared: room, rows: nids.map(nid => [nid, `!r${nid}`]) },
      ...new MembershipWriter(database).set(members),
    ],
  })
}

/** What a round takes: the median of the time, and the processor's on average. Milliseconds. */
const timed = async (work: (round: number) => Promise<unknown>): Promise<{ wall: number; cpu: number }> => {
  const times: number[] = []
  const before = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    await work(round)
    times.push(performance.now() - started)
  }
  const { user, system } = process.cpuUsage(before)
  const wall = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0
  return { wall, cpu: (user + system) / 1_000 / ROUNDS }
}

const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
const database = await openDatabase({ kind: 'sqlite', path: join(directory, 'bench.db') })
try {
  let commits = 0
  const commit = database.commit.bind(database)
  Object.assign(database, {
    commit: (set: Parameters<typeof commit>[0]) => {
      commits++
      return commit(set)
    },
  })
  const encryption = createEncryption({
    database,
    rooms: roomReaders(database),
    clock: systemClock,
    log: silentLog,
    serverName: 'bench.test',
    remote: noRemoteKeys,
    keepEdus: noEdus,
    shareNames: false,
  })
  await prepare(database, encryption)
  const claim = Object.fromEntries(
    Array.from({ length: DEVICES }, (_, index) => [userOf(index), { D: 'signed_curve25519' }]),
  )
  const print = (what: string, { wall, cpu }: { wall: number; cpu: number }, more = ''): void =>
    console.log(`${what}: ${wall.toFixed(1)} ms, ${cpu.toFixed(1)} ms of CPU${more}`)
  print(
    `claiming keys of ${DEVICES} devices`,
    await timed(() => encryption.keyClaims.claim(claim, undefined)),
  )

  const before = database.position('device_lists')
  const change = await timed(round =>
    encryption.deviceKeys.upload(userOf(0), 'D', { device_keys: keysOf(userOf(0), 'D', round + 1) }),
  )
  const rows = (database.position('device_lists') - before) / ROUNDS
  print(`a device of somebody in ${ROOMS} rooms changes`, change, `, ${rows} row`)

  const messages = Object.fromEntries(
    Array.from({ length: MESSAGES }, (_, index) => [
      index < DEVICES ? userOf(index) : `@other${index}:bench.test`,
      { D: { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: 'x'.repeat(1_000) } },
    ]),
  )
  commits = 0
  const sender = { userId: ME, deviceId: 'ME' }
  const fanOut = await timed(round =>
    encryption.toDevice.send(sender, 'm.room.encrypted', `${round}`, messages),
  )
  print(`${MESSAGES} messages to devices, ${DEVICES} of them there`, fanOut, `, ${commits / ROUNDS} commit`)
} finally {
  await database.close()
  rmSync(directory, { recursive: true, force: true })
}
