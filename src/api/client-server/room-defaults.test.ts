import test from 'ava'
import { startTestServer } from '../../test-kit/server.ts'

test('what the operator wants of new rooms, where clients do not say', async t => {
  const server = await startTestServer({
    settings: {
      rooms: {
        encrypted_by_default: 'private',
        power_levels: { private_chat: { invite: 60, events: { 'm.room.name': 0 } } },
      },
    },
  })
  t.teardown(() => server.close())
  const { accessToken: token } = await server.register('ann')
  const make = async (body: object): Promise<(type: string) => Promise<unknown>> => {
    const made = await server.request('POST', '/_matrix/client/v3/createRoom', { token, json: body })
    const { room_id: roomId } = made.body as { room_id: string }
    return async type =>
      (await server.request('GET', `/_matrix/client/v3/rooms/${roomId}/state/${type}/`, { token })).body
  }
  const ordinary = await make({})
  t.like(await ordinary('m.room.encryption'), { algorithm: 'm.megolm.v1.aes-sha2' })
  t.like(await ordinary('m.room.power_levels'), {
    invite: 60,
    kick: 50,
    events: { 'm.room.name': 0, 'm.room.topic': 50 },
  })
  const open = await make({ preset: 'public_chat' })
  t.like(await open('m.room.encryption'), { errcode: 'M_NOT_FOUND' })
  t.like(await open('m.room.power_levels'), { invite: 0, events: { 'm.room.name': 50 } })
  const plain = await make({
    'chat.tessera.encryption': 'cleartext',
    power_level_content_override: { invite: 0 },
  })
  t.like(await plain('m.room.encryption'), { errcode: 'M_NOT_FOUND' })
  t.like(await plain('m.room.power_levels'), { invite: 0 })
})
