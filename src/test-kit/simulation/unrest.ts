import { InboxReader } from '../../storage/federation/inbox.ts'
import { OutboxReader } from '../../storage/federation/outbox-reader.ts'
import type { SimulatedServer } from './simulated-server.ts'
import type { Simulation } from './simulation.ts'

/** What a server still has to do. */
export const unrestOf = async (
  simulation: Simulation,
  { name, database, core }: SimulatedServer,
): Promise<string[]> => {
  const outbox = new OutboxReader(database)
  const pending = await simulation.during(outbox.pendingServers())
  const behind = database.position('events') - (await simulation.during(outbox.distributed()))
  const [staged] = await simulation.during(new InboxReader(database).staged(undefined, 1))
  const open = await simulation.during(core.context.read.partial.allOpen())
  return [
    ...pending.map(other => `${name} sends to ${other}`),
    ...(behind > 1_000 ? [`${name} distributes ${behind} events`] : []),
    ...(staged === undefined ? [] : [`${name} keeps ${staged.eventId} of ${staged.roomId} waiting`]),
    ...open.map(({ roomId }) => `${name} lacks members of ${roomId}`),
  ]
}
