import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'

/** Runs the real entry in a process of its own. */
const spawned = (cwd: string, ...args: string[]): Promise<{ code: unknown; out: string; err: string }> =>
  new Promise(resolve => {
    const entry = fileURLToPath(new URL('../../bin/tessera.js', import.meta.url))
    execFile(process.execPath, [entry, ...args], { cwd, env: {} }, (error, out, err) =>
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
