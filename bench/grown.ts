/**
 * What common requests cost on filled databases of growing size (`npm run fill`): one column for each.
 * `npm run bench:filled -- [--only=PATTERN] DIRECTORY…`; a database elsewhere is named as `DIRECTORY=postgres://…`.
 */
import { basename, resolve } from 'node:path'
import { Connection } from './connection.ts'
import { cpuOf, type Figure, logIn, PREFIX, type Subject, scenarios } from './filled/requests.ts'
import { freePort } from './free-port.ts'
import { pause } from './load.ts'
import { call } from './matrix.ts'
import { processUsage } from './process-usage.ts'
import { spawnServer } from './spawn.ts'

/** After the start, until what begins with it is done. */
const SETTLE_SECONDS = 3

/** Starts a server on a filled database and measures everything on it. */
const column = async (argument: string, only: string | undefined): Promise<Map<string, string>> => {
  const [directory = '', ...url] = argument.split('=')
  const port = await freePort()
  const program = resolve(import.meta.dirname, '../bin/tessera.js')
  const begun = performance.now()
  const started = await spawnServer(
    `exec '${process.execPath}' '${program}' serve`,
    `http://127.0.0.1:${port}`,
    {
      TESSERA_DATA: resolve(directory),
      PORT: String(port),
      TESSERA__RATE_LIMITS__ENABLED: 'false',
      TESSERA__LOGGING__LEVEL: 'error',
      // They do not exist.
      TESSERA__FEDERATION__DENY_SERVERS: '["*.example"]',
      ...(url.length === 0 ? {} : { TESSERA__DATABASE__URL: url.join('=') }),
    },
  )
  const rows = new Map<string, string>()
  try {
    const wall = performance.now() - begun
    const connection = new Connection(started.url)
    await pause(SETTLE_SECONDS)
    const subject = { pid: started.pid, databaseUrl: url.length === 0 ? undefined : url.join('=') }
    rows.set('start', text({ ...cpuOf(subject), wall }))
    rows.set('memory at rest, MB', megabytes(started.pid))
    for (const [what, run] of scenarios(await subjectOf(subject, connection))) {
      if (only !== undefined && !new RegExp(only).test(what)) continue
      process.stderr.write(`${argument}: ${what}\n`)
      rows.set(what, text(await run()))
    }
    rows.set('memory in the end, MB', megabytes(started.pid))
    connection.close()
  } finally {
    await started.stop()
  }
  return rows
}

const subjectOf = async (
  server: Pick<Subject, 'pid' | 'databaseUrl'>,
  connection: Connection,
): Promise<Subject> => {
  const [once, half, everywhere] = [
    await logIn(connection, 'once'),
    await logIn(connection, 'half'),
    await logIn(connection, 'everywhere'),
  ]
  const alias = encodeURIComponent(`#room0:${half.userId.slice(half.userId.indexOf(':') + 1)}`)
  const found = await call(connection, { method: 'GET', path: `${PREFIX}/directory/room/${alias}` })
  const largeRoom = String(found['room_id'])
  return { ...server, connection, once, half, everywhere, largeRoom, transaction: 0 }
}

const megabytes = (pid: number): string => ((processUsage([pid])?.residentBytes ?? 0) / 2 ** 20).toFixed(0)

const text = ({ cpu, databaseCpu, wall }: Figure): string => {
  const database = databaseCpu === 0 ? '' : ` + ${databaseCpu.toFixed(1)}`
  return `${wall.toFixed(1)} (${cpu.toFixed(1)}${database})`
}

const [only, given] = process.argv[2]?.startsWith('--only=')
  ? [process.argv[2].slice('--only='.length), process.argv.slice(3)]
  : [undefined, process.argv.slice(2)]
const columns: Map<string, string>[] = []
for (const argument of given) columns.push(await column(argument, only))
const names = [...new Set(columns.flatMap(rows => [...rows.keys()]))]
console.log(
  `| ms: median (CPU) | ${given.map(argument => basename(argument.split('=')[0] ?? '')).join(' | ')} |`,
)
console.log(`|---|${given.map(() => '---:').join('|')}|`)
for (const name of names)
  console.log(`| ${name} | ${columns.map(rows => rows.get(name) ?? '').join(' | ')} |`)
