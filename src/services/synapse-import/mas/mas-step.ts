import type { SynapseSource } from '../../../storage/synapse/source.ts'
import type { ImportStep, ImportWorld } from '../step.ts'

const masOf = ({ mas }: ImportWorld): SynapseSource | undefined => (mas === 'left' ? undefined : mas)

/** A step that reads the database of the Matrix Authentication Service, where there is one, in place of Synapse's. */
export const ofMas = (step: ImportStep): ImportStep => ({
  name: step.name,
  count: async world => {
    const source = masOf(world)
    return source === undefined ? 0 : step.count({ ...world, source })
  },
  run: async (world, progress) => {
    const source = masOf(world)
    if (source !== undefined) await step.run({ ...world, source }, progress)
  },
})

/**
 * A step for what Synapse has of how people sign in. Where it leaves that to a Matrix Authentication Service, it is as old as the day on
 * which that began: sessions that have been ended since, addresses that are somebody else's by now.
 */
export const unlessMas = (step: ImportStep): ImportStep => ({
  name: step.name,
  count: async world => (world.mas === undefined ? step.count(world) : 0),
  run: async (world, progress) => {
    if (world.mas === undefined) return step.run(world, progress)
    const count = await step.count(world)
    progress.left(
      `${step.name} of before the Matrix Authentication Service, as Synapse still has them`,
      count,
    )
  },
})
