import { FederationError } from '../../network/federation-client.ts'
import type { Simulation } from './simulation.ts'

/**
 * Lets all servers learn each other's keys while the network is good: what a join brings of a server whose keys cannot
 * be had is left out, and such servers are of different minds for good.
 */
export const introduce = async (simulation: Simulation): Promise<void> => {
  for (const { services, name } of simulation.servers) {
    const others = simulation.servers.filter(other => other.name !== name)
    const asked = others.map(other =>
      services.federation.client.getEvent(other.name, '$none').catch(error => {
        if (!(error instanceof FederationError)) throw error
      }),
    )
    await simulation.during(Promise.all(asked))
  }
}
