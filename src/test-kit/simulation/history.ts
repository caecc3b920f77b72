import type { Body } from './belief.ts'
import { at } from './dialects.ts'
import type { SimulatedClient } from './simulated-client.ts'
import type { Simulation } from './simulation.ts'

/** What a client may see of a room, the newest first. */
export async function* backwards(
  simulation: Simulation,
  client: SimulatedClient,
  roomId: string,
): AsyncGenerator<Body> {
  for (let from: string | undefined = ''; from !== undefined; ) {
    const query: string = `dir=b&limit=100${from && `&from=${at(from)}`}`
    const { body } = await simulation.during(client.call('GET', `/rooms/${at(roomId)}/messages?${query}`))
    yield* body.chunk
    from = body.end
  }
}
