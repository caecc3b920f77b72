import test from 'ava'
import { MatrixError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { ALICE, BOB, remoteDevicesWorld } from '../../../test-kit/remote-devices-world.ts'
import { noEdus } from '../../kept-edus.ts'
import { ToDevice } from '../to-device.ts'

testDatabases(test, 'a message that arrives twice is delivered once', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  await database.commit({ statements: [{ prepared: device, rows: [[ALICE, 'D']] }] })
  const receive = (id: string) =>
    encryption.eduHandlers['m.direct_to_device']('far.test', {
      sender: BOB,
      type: 'm.x',
      message_id: id,
      messages: { [ALICE]: { D: { id } }, '@other:far.test': { D: {} } },
    })
  for (const id of ['1', '2', '1', '2']) await receive(id)
  const span = { after: 0, upTo: database.position('to_device') }
  const waiting = await encryption.toDevice.waiting(ALICE, 'D', span, 10)
  t.deepEqual(
    waiting.map(message => message.content),
    ['{"id":"1"}', '{"id":"2"}'],
  )
})

testDatabases(test, 'what a server sends is kept in the order in which it came', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  const add = (id: string) => database.commit({ statements: [{ prepared: device, rows: [[ALICE, id]] }] })
  await add('D')
  const slow = {
    ...encryption.context,
    // Longer than the other message needs in all, if that does not wait.
    deviceIds: async (userId: string) => {
      await add('E')
      return encryption.context.deviceIds(userId)
    },
  }
  const toDevice = new ToDevice(slow, noEdus)
  const receive = (id: string, deviceId: string, text: string) => {
    const messages = { [ALICE]: { [deviceId]: { id, text } } }
    return toDevice.receive('far.test', { sender: BOB, type: 'm.x', message_id: id, messages })
  }
  // How large all the copies would be has to be looked up of the first.
  await Promise.all([receive('1', '*', 'x'.repeat(5_000)), receive('2', 'D', '')])
  const span = { after: 0, upTo: database.position('to_device') }
  const waiting = await toDevice.waiting(ALICE, 'D', span, 10)
  t.deepEqual(
    waiting.map(({ content }) => JSON.parse(content).id),
    ['1', '2'],
  )
})

testDatabases(test, 'a flood does not fill the disk, nor drive out what was there', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  await database.commit({
    statements: [
      {
        prepared: device,
        rows: [
          [ALICE, 'D'],
          [ALICE, 'E'],
        ],
      },
    ],
  })
  const toDevice = new ToDevice(encryption.context, noEdus, 3)
  const send = (deviceId: string, n: number) =>
    toDevice.send({ userId: BOB, deviceId: 'B' }, 'm.x', `${deviceId}${n}`, {
      [ALICE]: { [deviceId]: { n } },
    })
  for (let n = 1; n <= 5; n++) await send('D', n)
  for (let n = 1; n <= 3; n++) await send('E', n)
  await toDevice.expire()
  const waiting = async (deviceId: string) => {
    const span = { after: 0, upTo: database.position('to_device') }
    const messages = await toDevice.waiting(ALICE, deviceId, span, 10)
    return messages.map(({ content }) => JSON.parse(content).n)
  }
  t.deepEqual(await waiting('D'), [1, 2, 3])
  t.deepEqual(await waiting('E'), [1, 2, 3])
})

testDatabases(test, 'what goes to another server is named as long as it may be', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const kept: JsonObject[] = []
  const clock = new FakeClock()
  const toDevice = new ToDevice({ ...encryption.context, clock }, edus => {
    kept.push(...edus.map(({ content }) => content))
    return noEdus([])
  })
  const sender = { userId: ALICE, deviceId: 'D' }
  const large = Object.fromEntries(Array.from('ABCDEF', id => [id, { text: id.repeat(60_000) }]))
  for (const [txnId, messages] of [
    ['large', large],
    ['1', { A: {} }],
    ['1', { A: {} }],
    ['2', { A: {} }],
  ] as const)
    await toDevice.send(sender, 'm.x', txnId, { [BOB]: messages })
  const ids = kept.map(({ message_id: id }) => String(id))
  t.deepEqual(new Set(ids.map(id => id.length)), new Set([32]), '"of maximum length 32 codepoints"')
  t.is(ids.length, 5)
  t.is(ids[2], ids[3], 'the same once more')
  t.is(new Set(ids).size, 4)
  await clock.advance(1)
  await toDevice.send(sender, 'm.x', '1', { [BOB]: { A: {} } })
  t.false(ids.includes(String(kept.at(-1)?.['message_id'])), 'by a device that came after one with this ID')
})

testDatabases(test, 'nobody is sent more than they can receive', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  const rows = Array.from({ length: 300 }, (_, n) => [ALICE, `D${n}`])
  await database.commit({ statements: [{ prepared: device, rows }] })
  const send = (txnId: string, deviceId: string, length: number) =>
    encryption.toDevice.send({ userId: ALICE, deviceId: 'D0' }, 'm.x', txnId, {
      [ALICE]: { [deviceId]: { text: 'x'.repeat(length) } },
    })
  const refused = { instanceOf: MatrixError, message: /too large/ }
  await t.throwsAsync(send('1', 'D0', 70_000), refused)
  await t.throwsAsync(send('2', '*', 60_000), refused, 'all copies count')
  await send('3', 'D0', 60_000)
  await send('4', '*', 50_000)
  const { 'm.direct_to_device': receive } = encryption.eduHandlers
  const messages = { [ALICE]: { D0: { text: 'x'.repeat(70_000) }, D1: { text: 'short' } } }
  await receive('far.test', { sender: BOB, type: 'm.x', message_id: '1', messages })
  const span = { after: 0, upTo: database.position('to_device') }
  const lengths = async (deviceId: string) =>
    (await encryption.toDevice.waiting(ALICE, deviceId, span, 10)).map(({ content }) => content.length - 11)
  t.deepEqual(await lengths('D0'), [60_000, 50_000])
  t.deepEqual(await lengths('D1'), [50_000, 5])
})

testDatabases(test, 'made-up devices cost nobody but those who make them up', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  await database.commit({ statements: [{ prepared: device, rows: [[ALICE, 'D0']] }] })
  const { commit } = database
  let written = 0
  database.commit = set => {
    for (const { rows } of set.statements) written += rows.length
    return commit.call(database, set)
  }
  const { 'm.direct_to_device': receive } = encryption.eduHandlers
  const devices = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`D${n}`, {}]))
  const edu = {
    sender: BOB,
    type: 'm.x',
    messages: { [ALICE]: devices(500), '@nobody:near.test': devices(500) },
  }
  await receive('far.test', { ...edu, message_id: '1' })
  t.is(written, 2, 'that the EDU has come, and the one message')
  const everybody = { '@no1:near.test': { '*': {} }, [ALICE]: { '*': {}, ...devices(500) } }
  await receive('far.test', { ...edu, message_id: '2', messages: everybody })
  const span = { after: 0, upTo: database.position('to_device') }
  t.is((await encryption.toDevice.waiting(ALICE, 'D0', span, 10)).length, 2)
  written = 0
  const far = { [ALICE]: devices(50_001) }
  await receive('far.test', { ...edu, message_id: '3', messages: far })
  t.is(written, 0)
  const sender = { userId: ALICE, deviceId: 'D0' }
  await t.throwsAsync(encryption.toDevice.send(sender, 'm.x', 't', far), { instanceOf: MatrixError })
})

testDatabases(test, 'nobody has a crowd of servers looked for that are made up', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const sender = { userId: ALICE, deviceId: 'D0' }
  const send = (count: number) =>
    encryption.toDevice.send(sender, 'm.x', `${count}`, {
      [BOB]: { B: {} },
      ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`@x:s${n}.test`, { X: {} }])),
    })
  await send(100)
  await t.throwsAsync(send(101), { instanceOf: MatrixError, message: /share no room/ })
})

testDatabases(test, 'what made-up users ignore is looked up for nobody', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const { get } = database
  let looks = 0
  database.get = (...question) => {
    looks++
    return get.apply(database, question) as never
  }
  await encryption.eduHandlers['m.direct_to_device']('far.test', {
    ...{ sender: BOB, type: 'm.key.verification.request', message_id: 'x' },
    messages: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`@u${n}:near.test`, { D: {} }])),
  })
  t.is(looks, 0)
})
