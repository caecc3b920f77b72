/**
 * How many cases a property is tried on: so many in a run of all tests, which come every time anew; `TESSERA_RANDOM_RUNS=50` tries
 * fifty times as many.
 */
export const randomRuns = (usual: number): number => usual * Number(process.env['TESSERA_RANDOM_RUNS'] ?? 1)
