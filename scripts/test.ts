import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { startPostgres } from './postgres.ts'

/**
 * Runs the tests: `npm test`, or `npm test -- src/x.test.ts --match='…'` for some of them. Starts a PostgreSQL of its
 * own unless `TESSERA_TEST_POSTGRES` names one. The last line says how many passed and failed.
 */
const ROOT = join(import.meta.dirname, '..')

const runAva = (env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> =>
  new Promise((resolve, reject) => {
    const color = process.stdout.isTTY ? ['--color'] : []
    const command = [join(ROOT, 'node_modules/ava/entrypoints/cli.js'), ...color, ...process.argv.slice(2)]
    const ava = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['inherit', 'pipe', 'inherit'] })
    let output = ''
    ava.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      process.stdout.write(chunk)
    })
    // An interrupt reaches ava as well, which then ends by itself; this process still has to clean up.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ava.kill(signal))
    ava.on('error', reject)
    ava.on('close', code => resolve({ code: code ?? 1, output }))
  })

/** Adds up the lines of ava's summary that match, such as `12 tests passed`. */
const count = (output: string, what: RegExp): number =>
  stripVTControlCharacters(output)
    .split('\n')
    .map(line => /^\s*(\d+) (.+)$/.exec(line))
    .reduce(
      (sum, match) => (match?.[2] !== undefined && what.test(match[2]) ? sum + Number(match[1]) : sum),
      0,
    )

const given = process.env['TESSERA_TEST_POSTGRES']
const server = given === undefined ? await startPostgres() : undefined
const url = given ?? server?.url
try {
  const { code, output } = await runAva({
    ...process.env,
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compile'),
    ...(url === undefined ? {} : { TESSERA_TEST_POSTGRES: url }),
  })
  const passed = count(output, /^tests? passed$/)
  const failures = count(output, /^(tests?|hooks?) failed$|^uncaught exceptions?$|^unhandled rejections?$/)
  // No test at all is a failure, and so is whatever else ava complains about (a file without tests, a time-out).
  const failed = passed === 0 || code !== 0 ? Math.max(1, failures) : failures
  process.exitCode = failed > 0 && code === 0 ? 1 : code
  console.log(`${passed} passed, ${failed} failed`)
} finally {
  await server?.stop()
}
