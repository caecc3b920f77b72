import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import { createSourcePositions } from './source-positions.ts'

test('a stack names the places in the sources, where there is a map', t => {
  const directory = temporaryDirectory(t)
  const bundle = pathToFileURL(join(directory, 'main.js')).href
  // Line 2, column 3 of the bundle is line 7, column 5 of ../src/tea.ts.
  writeFileSync(
    join(directory, 'main.js.map'),
    JSON.stringify({ version: 3, sources: ['../src/tea.ts'], names: [], mappings: ';EAMI' }),
  )
  const positions = createSourcePositions()
  const source = new URL('../src/tea.ts', bundle).href
  const stack = (place: string) => `Error: cold\n    at pour (${place})\n    at node:internal/timers:1:2`
  for (const _ of ['read', 'kept']) t.is(positions(stack(`${bundle}:2:3`)), stack(`${source}:7:5`))
  const other = stack(`${pathToFileURL(join(directory, 'other.js')).href}:2:3`)
  t.is(positions(other), other)
})
