import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const ROOT = join(import.meta.dirname, '..')
const run = promisify(execFile)

test('the sources are put together, with all threads that they start, and run', async t => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'scripts/bundle.ts')])
  const main = stdout.trim()
  t.true(existsSync(main), 'it says where the program begins')
  const threads = globSync('src/**/*.ts', { cwd: ROOT }).flatMap(path =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(/new URL\('[./]*([\w-]+)\.ts', import\.meta\.url\)/g)]
      .filter(() => !path.endsWith('.test.ts'))
      .map(([, name]) => name),
  )
  t.true(threads.includes('writer-worker'))
  for (const name of threads) t.true(existsSync(join(dirname(main), `${name}.js`)), name)
  const texts = globSync('*.js', { cwd: dirname(main) }).map(name =>
    readFileSync(join(dirname(main), name), 'latin1'),
  )
  t.true(
    texts.every(text => /^[\0-\x7f]*$/.test(text)),
    'each character takes a byte',
  )
  const env = { ...process.env, TESSERA_BUNDLE: main }
  const version = await run(process.execPath, [join(ROOT, 'bin/tessera.js'), '--version'], { env })
  t.regex(version.stdout, /^tessera \d+\.\d+\.\d+\n$/)
})
