import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'

/** Makes garbage of which much lives for a while, so that V8 wants more room for it; prints how much it takes. */
const busy = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { boundYoungGeneration } from ${JSON.stringify(new URL('young-generation.ts', import.meta.url).href)}
  boundYoungGeneration()
  const kept = []
  for (let turn = 0; turn < 60; turn++) {
    for (let n = 0; n < 50_000; n++) kept[(n * 7 + turn) % 200_000] = { n, list: [n] }
    await new Promise(setImmediate)
  }
  console.log(getHeapSpaceStatistics().find(space => space.space_name === 'new_space').space_size)`

test('the young generation grows with what is asked of it, and not beyond what pays', async t => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', busy])
  t.true(Number(stdout) > 4_000_000, stdout)
  t.true(Number(stdout) < 80_000_000, stdout)
})
