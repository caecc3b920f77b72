import test from 'ava'
import { roomVersions } from '../src/core/room-versions.ts'
import { simulate } from '../src/test-kit/simulation/simulate.ts'

/**
 * Whole servers that are killed now and then, over a network that loses, delays, repeats and parts: once it has healed, all
 * of them are in the same room, and their clients have been told all of it. `TESSERA_SIMULATION_SEED=… npx ava
 * federation-tests/simulation.test.ts` replays a seed; `TESSERA_SIMULATION_RUNS=1000` makes that many, from
 * `TESSERA_SIMULATION_FIRST` on, and goes on after those that fail.
 */
const SEED = process.env['TESSERA_SIMULATION_SEED']
const FIRST = Number(process.env['TESSERA_SIMULATION_FIRST'] ?? 1)
/** On somebody's own machine fewer than in CI: each takes seconds. */
const RUNS = Number(process.env['TESSERA_SIMULATION_RUNS'] ?? (process.env['CI'] === undefined ? 2 : 3))
const STEPS = Number(process.env['TESSERA_SIMULATION_STEPS'] ?? 20)

const versions = [...roomVersions.values()]

test.serial('servers come to the same room over a network that heals', async t => {
  // As long as this may take, the runner does not notice that another test hangs.
  t.timeout(RUNS > 3 ? 24 * 3_600_000 : 600_000)
  const seeds =
    SEED === undefined ? Array.from({ length: RUNS }, (_, index) => FIRST + index) : [Number(SEED)]
  const failed: number[] = []
  for (const seed of seeds) {
    const version = versions[seed % versions.length]
    if (version === undefined) continue
    await simulate(version, seed, STEPS).catch(error => {
      console.error(error)
      failed.push(seed)
    })
  }
  t.deepEqual(failed, [], 'TESSERA_SIMULATION_SEED replays them')
})
