import test from 'ava'
import { GHOST, type Json, registerGhost, startWorld } from '../../test-kit/app-service-world.ts'

test('a service hears that a device has no keys before somebody can encrypt for it', async t => {
  const world = await startWorld(t)
  const { service, alice, act } = world
  /** What is told of keys along with the first event of its users' rooms that is as wished. */
  const countsWith = async (isWished: (event: Json) => boolean): Promise<unknown> => {
    const found = () =>
      service.requests.find(({ body }) => (body['events'] as Json[] | undefined)?.some(isWished))
    await service.until(() => found() !== undefined)
    return found()?.body['device_one_time_keys_count']
  }
  const isMembership = (membership: string) => (event: Json) =>
    event['state_key'] === GHOST && (event['content'] as Json)['membership'] === membership
  await registerGhost(world)
  await act('PUT', '/devices/GHOSTLY', { display_name: 'Bridge' }, GHOST)
  const counts = { [GHOST]: { GHOSTLY: { signed_curve25519: 0 } } }
  await service.until(() => service.requests.some(({ body }) => body['device_one_time_keys_count']))
  const first = service.requests.find(({ body }) => body['device_one_time_keys_count'])
  t.deepEqual(first?.body['device_one_time_keys_count'], counts, 'as soon as there is the device')

  const room = await alice.createRoom({ invite: [GHOST] })
  t.deepEqual(await countsWith(isMembership('invite')), counts)
  await act('POST', `/join/${room}`, {}, GHOST)
  t.deepEqual(await countsWith(isMembership('join')), counts)
  await alice.say(room, 'in the clear')
  t.is(await countsWith(({ type }) => type === 'm.room.message'), undefined, 'nothing that is about keys')
  await alice.put(`/rooms/${room}/state/m.room.encryption/`, { algorithm: 'm.megolm.v1.aes-sha2' })
  t.deepEqual(await countsWith(({ type }) => type === 'm.room.encryption'), counts)
})
