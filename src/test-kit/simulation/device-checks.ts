/** What people know of each other's devices once the network has healed, and what was written to these. */
import { deepEqual, equal } from 'node:assert/strict'
import type { SimulatedClient } from './simulated-client.ts'
import type { Story } from './story.ts'

interface Device {
  readonly keys?: Readonly<Record<string, string>>
}

/** Clients that share a room know each other's devices: all that there are, and none that has gone. */
export const checkDevices = async (story: Story, present: readonly SimulatedClient[]): Promise<void> => {
  const { simulation, devices, own } = story
  const owners = [...new Set(present.map(({ userId }) => userId))]
  for (const client of present) {
    const others = owners.filter(userId => userId !== client.userId)
    await simulation.during(client.queryDevices(others))
    for (const userId of others) {
      const known = Object.entries((client.belief.devices.get(userId) ?? {}) as Record<string, Device>)
      const keys = known.map(([id, device]) => [id, device.keys?.[`curve25519:${id}`]])
      const expected = { DEVICE: own.keys.get(userId), ...devices.known(userId) }
      deepEqual(Object.fromEntries(keys), expected, `${nameOf(client)} knows the devices of ${userId}`)
    }
  }
}

/** What was written to devices has come, once, and in order; their one-time keys are counted as they are. */
export const checkWritten = async (story: Story, client: SimulatedClient): Promise<void> => {
  deepEqual(story.devices.wrongWith(client), [], `what was written to ${nameOf(client)}`)
  if (!story.simulation.plays.has('keys')) return
  const { body } = await story.simulation.during(client.call('POST', '/keys/upload', {}))
  const { signed_curve25519: count = 0 } = body.one_time_key_counts
  equal(client.belief.oneTimeKeys, count, `the one-time keys of ${nameOf(client)}`)
}

const nameOf = ({ session: { userId, deviceId } }: SimulatedClient): string => `${userId} on ${deviceId}`
