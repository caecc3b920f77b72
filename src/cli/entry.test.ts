import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs the real entry in a process of its own. */
const spawned = (cwd: string, ...args: string[]) => spawnedWith({}, cwd, ...args)

const spawnedWith = (
  { options = [], env = {} }: { options?: readonly string[]; env?: Record<string, string> },
  cwd: string,
  ...args: string[]
): Promise<{ code: unknown; out: string; err: string }> =>
  new Promise(resolve => {
    const entry = join(ROOT, 'bin/tessera.js')
    execFile(process.execPath, [...options, entry, ...args], { cwd, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    )
  })

test('the entry: version, usage errors, bad settings', async t => {
  const cwd = temporaryDirectory(t)
  writeFileSync(join(cwd, 'homeserver.yaml'), 'listeners: [{port: eight}]')
  const [version, usage, wrong] = await Promise.all([
    spawned(cwd, '--version'),
    spawned(cwd, '--no-such-flag'),
    spawned(cwd),
  ])
  t.like(version, { code: 0, err: '' })
  t.regex(version.out, /^tessera \d+\.\d+\.\d+\n$/)
  t.is(usage.code, 1)
  t.deepEqual(wrong, {
    code: 78,
    out: '',
    err: 'homeserver.yaml:1:14: listeners[0].port must be an integer from 0 to 65535, not "eight"\n',
  })
})

test('the entry where what was to be built is not there: runs what is', async t => {
  const env = { TESSERA_BUNDLE: '/nowhere/main.js' }
  t.like(await spawnedWith({ env }, temporaryDirectory(t), '--version'), { code: 0, err: '' })
})

test('the entry under a Node.js that is too old: goes on with the one that npm ci brought, or says what to do', async t => {
  const cwd = temporaryDirectory(t)
  writeFileSync(
    join(cwd, 'old.cjs'),
    "Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } })",
  )
  const { code, out, err } = await spawnedWith({ options: ['--require', './old.cjs'] }, cwd, '--version')
  if (existsSync(join(ROOT, `node_modules/node-linux-${process.arch}/bin/node`))) {
    t.deepEqual([code, err], [0, ''])
    t.regex(out, /^tessera \d/)
  } else {
    t.is(code, 1)
    t.is(err, 'Tessera needs Node.js 22.20 or newer, and this is 20.20.2: install Node.js 24.\n')
  }
})
