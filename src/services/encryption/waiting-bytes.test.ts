import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { ALICE, BOB, remoteDevicesWorld } from '../../test-kit/remote-devices-world.ts'
import { noEdus } from '../kept-edus.ts'
import { ToDevice } from './to-device.ts'
import { WaitingBytes } from './waiting-bytes.ts'

testDatabases(test, 'what waits for a device is bounded by its bytes too', async (t, database) => {
  const { encryption } = await remoteDevicesWorld(database)
  const device = database.prepare('INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0)')
  const rows = ['D', 'E', 'F'].map(deviceId => [ALICE, deviceId])
  await database.commit({ statements: [{ prepared: device, rows }] })
  let chance = 0
  const bytes = new WaitingBytes(encryption.context, { most: 26, random: () => chance })
  const toDevice = new ToDevice(encryption.context, noEdus, undefined, bytes)
  // Each is of 13 bytes, counted as they are stored.
  const send = (deviceId: string, text: string) =>
    toDevice.send({ userId: BOB, deviceId: 'B' }, 'm.x', text, { [ALICE]: { [deviceId]: { text } } })
  const receive = (deviceId: string, text: string) => {
    const messages = { [ALICE]: { [deviceId]: { text } } }
    return toDevice.receive('far.test', { sender: BOB, type: 'm.x', message_id: text, messages })
  }
  const waiting = async (deviceId: string) => {
    const span = { after: 0, upTo: database.position('to_device') }
    const messages = await toDevice.waiting(ALICE, deviceId, span, 10)
    return messages.map(({ content }) => JSON.parse(content).text)
  }
  for (const text of ['\u00e4', 'bb', 'cc']) await send('D', text)
  t.deepEqual(await waiting('D'), ['\u00e4', 'bb'], 'what came first stays')
  for (const text of ['dd', 'ee', 'ff']) await receive('E', text)
  t.deepEqual(await waiting('E'), ['dd', 'ee'])
  chance = 0.5
  for (const text of ['gg', 'hh', 'ii']) await send('F', text)
  t.is((await waiting('F')).length, 3, 'small messages seldom have them added up')
  chance = 0
  await receive('E', 'jj')
  t.deepEqual(await waiting('F'), ['gg', 'hh'], 'those of all devices of the user')
  t.deepEqual(await waiting('D'), ['\u00e4', 'bb'])
})
