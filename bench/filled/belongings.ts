import { hash } from 'node:crypto'
import { notificationId } from '../../src/services/notifications/subjects.ts'
import { AccountDataWriter } from '../../src/storage/accounts/account-data.ts'
import { ToDeviceWriter } from '../../src/storage/encryption/to-device.ts'
import { ReceiptWriter } from '../../src/storage/ephemeral/receipts.ts'
import { MediaWriter } from '../../src/storage/media/media.ts'
import { NotificationWriter } from '../../src/storage/notifications/notification-writer.ts'
import type { Spoken } from './conversation.ts'
import type { FilledRoom } from './rooms.ts'
import { DEVICE, EVERYWHERE, userId, type World } from './world.ts'

/** Readers of one room who have left a receipt. */
const READERS = 500
/** One file for so many events, one waiting message to a device for so many accounts. */
const EVENTS_PER_FILE = 50
const ACCOUNTS_PER_MESSAGE = 2

/** Makes what people leave behind: receipts, tags, messages to devices, files, notifications. */
export const makeBelongings = async (
  world: World,
  rooms: readonly FilledRoom[],
  spoken: Spoken,
): Promise<void> => {
  await makeReceipts(world, rooms, spoken)
  await makeNews(world, rooms)
  await makeFiles(world)
}

const makeReceipts = async (
  { database, random, clock, pace }: World,
  rooms: readonly FilledRoom[],
  spoken: Spoken,
): Promise<void> => {
  const receipts = new ReceiptWriter(database)
  for (const [index, room] of rooms.entries()) {
    const last = spoken.get(index) ?? []
    if (last.length === 0) continue
    const rows = room.members.slice(0, READERS).map(member => {
      const { eventId, position } = random.pick(last)
      return {
        ...({ roomNid: room.nid, userId: member.userId, type: 'm.read', threadId: '' } as const),
        ...{ eventId, eventPosition: position, ts: clock.now() },
      }
    })
    await pace.add(database.commit({ statements: [receipts.move(rows)] }))
    pace.show(index, rooms.length)
  }
}

const makeNews = async (world: World, rooms: readonly FilledRoom[]): Promise<void> => {
  const { database, scale, clock, pace, random } = world
  const data = new AccountDataWriter(database)
  for (const { roomId } of rooms) {
    const statement = data.set(userId(world, EVERYWHERE), roomId, 'm.fully_read', '{"event_id":"$none"}')
    await pace.add(database.commit({ statements: [statement] }))
  }
  const toDevice = new ToDeviceWriter(database)
  const notifications = new NotificationWriter(database)
  for (let user = 0; user < scale.users; user += ACCOUNTS_PER_MESSAGE) {
    const [id, sender] = [userId(world, user), userId(world, random.below(scale.users))]
    const content = JSON.stringify({ algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: 'x'.repeat(400) })
    const message = { userId: id, deviceId: DEVICE, sender, type: 'm.room.encrypted', content }
    const { roomId } = random.pick(rooms)
    const fact = {
      ...({ userId: id, kind: 'message', roomId, sender } as const),
      id: notificationId(id, { about: 'messages', roomId }),
      ...{ eventId: undefined, eventPosition: undefined, count: 1, details: {}, ts: clock.now() },
    }
    const statements = [
      ...toDevice.insert([message, message, message], clock.now()),
      ...notifications.put([fact], clock.now()),
    ]
    await pace.add(database.commit({ statements }))
  }
}

/** Rows alone: nobody has the content. */
const makeFiles = async (world: World): Promise<void> => {
  const { database, scale, home, clock, random, pace } = world
  const media = new MediaWriter(database)
  const count = Math.ceil(scale.events / EVENTS_PER_FILE)
  for (let index = 0; index < count; index++) {
    const file = {
      ...{ origin: home.serverName, mediaId: `filled${index}`, hash: hash('sha256', `file ${index}`) },
      ...{ size: 1 + random.below(1_000_000), contentType: 'image/jpeg', fileName: 'picture.jpg' },
      now: clock.now(),
    }
    const owner = userId(world, random.below(scale.users))
    await pace.add(database.commit({ statements: media.insert(file, 'upload', owner) }))
  }
}
