import { execFile, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeFastDirectory } from './fast-directory.ts'
import { startPostgres } from './postgres.ts'
import { summarize } from './summary.ts'
import { GROUPS, TESTS, writeTestGroups } from './test-groups.ts'

/**
 * Runs the tests: `npm test`, or `npm test -- src/x.test.ts --match='…'` for some of them. Starts a PostgreSQL of its
 * own unless `TESSERA_TEST_POSTGRES` names one, and keeps temporary files in memory unless `TMPDIR` names a place. With
 * `TESSERA_TEST_DATABASES=both` a run of everything takes all of it to both databases. The last line says how many passed
 * and failed.
 */
const ROOT = join(import.meta.dirname, '..')

const runAva = (env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> =>
  new Promise((resolve, reject) => {
    const color = process.stdout.isTTY ? ['--color'] : []
    const command = [join(ROOT, 'node_modules/ava/entrypoints/cli.js'), ...color, ...process.argv.slice(2)]
    const ava = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['inherit', 'pipe', 'inherit'] })
    let output = ''
    ava.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      process.stdout.write(chunk)
    })
    // An interrupt reaches ava as well, which then ends by itself; this process still has to clean up.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ava.kill(signal))
    // So has one whose output nobody reads any more, as by `npm test | head`.
    process.stdout.on('error', () => ava.kill())
    ava.on('error', reject)
    ava.on('close', code => resolve({ code: code ?? 1, output }))
  })

/** The program that tests start in processes of their own: put together it starts in two thirds of the time. */
const bundle = async (): Promise<NodeJS.ProcessEnv> => {
  const script = join(ROOT, 'scripts/bundle.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    script,
  ])
  return stdout === '' ? {} : { TESSERA_BUNDLE: stdout.trim() }
}

const fast = process.env['TMPDIR'] === undefined ? makeFastDirectory() : undefined
// Also what PostgreSQL stores goes there.
if (fast !== undefined) process.env['TMPDIR'] = fast
const everything = process.argv.length === 2
const given = process.env['TESSERA_TEST_POSTGRES']
// In CI, and for what somebody is working at, everything meets both databases (src/test-kit/which-databases.ts).
const byDefault = everything && process.env['CI'] === undefined ? 'one' : 'both'
const databases = process.env['TESSERA_TEST_DATABASES'] ?? byDefault
const [server, bundled] = await Promise.all([
  given === undefined ? startPostgres() : undefined,
  everything ? bundle() : {},
])
const url = given ?? server?.url
try {
  if (everything) writeTestGroups(ROOT, TESTS, join(ROOT, GROUPS))
  const { code, output } = await runAva({
    ...process.env,
    ...bundled,
    ...(everything ? { TESSERA_TEST_GROUPS: '1' } : {}),
    TESSERA_TEST_DATABASES: databases,
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compile'),
    ...(url === undefined ? {} : { TESSERA_TEST_POSTGRES: url }),
  })
  const { passed, failed } = summarize(output, code)
  process.exitCode = failed > 0 && code === 0 ? 1 : code
  if (databases === 'one')
    console.log(
      'What is above storage met one of the databases; TESSERA_TEST_DATABASES=both takes it to both, as CI does',
    )
  console.log(`${passed} passed, ${failed} failed`)
} finally {
  await server?.stop()
  if (fast !== undefined) rmSync(fast, { recursive: true, force: true })
}
