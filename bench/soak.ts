/**
 * Soaks a server at moderate load and draws what becomes of its memory and its database:
 * `npm run soak -- --minutes 60`, into `soak.svg`. Everything goes through standard endpoints of the client-server API. Garbage is collected
 * by force at the beginning, once the server is warm, and at the end: what it holds then should be what it held before.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { freePort } from './free-port.ts'
import { inspect } from './inspected.ts'
import { pause } from './load.ts'
import { SoakLoad } from './soak-load.ts'
import { plot, type Sample } from './soak-plot.ts'
import { spawnServer } from './spawn.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '15' },
    users: { type: 'string', default: '30' },
    rooms: { type: 'string', default: '10' },
    // Small, so that caches are full when the soak begins: what grows after that is no cache.
    'cache-budget': { type: 'string', default: '16M' },
    // That of the documentation is drawn by `--out docs/soak.svg`.
    out: { type: 'string', default: 'soak.svg' },
  },
})
const seconds = Number(values.minutes) * 60
/** Until caches and compiled code are what they will be. */
const warmUpSeconds = Math.min(180, seconds / 4)
const sampleSeconds = Math.max(2, seconds / 300)

const directory = await mkdtemp(join(tmpdir(), 'tessera-soak-'))
const [port, inspectorPort] = [await freePort(), await freePort()]
const program = resolve(import.meta.dirname, '../bin/tessera.js')
const server = await spawnServer(
  `exec '${process.execPath}' --inspect=127.0.0.1:${inspectorPort} '${program}' serve`,
  `http://127.0.0.1:${port}`,
  {
    TESSERA_DATA: directory,
    PORT: String(port),
    TESSERA__REGISTRATION__MODE: 'open',
    TESSERA__RATE_LIMITS__ENABLED: 'false',
    TESSERA__LOGGING__LEVEL: 'warn',
    TESSERA__MEMORY__CACHE_BUDGET: values['cache-budget'],
  },
)
const inspected = await inspect(inspectorPort)
const database = new Database(join(directory, 'homeserver.db'), { readonly: true })
const load = new SoakLoad(server.url, { users: Number(values.users), rooms: Number(values.rooms) })
const samples: Sample[] = []
const begun = Date.now()

try {
  await load.prepare()
  const stop = load.run(Number(values.rate))
  await sampleUntil(warmUpSeconds)
  const before = await collected()
  await sampleUntil(seconds)
  await stop()
  await pause(5)
  const after = await collected()
  await take()
  const title = `A soak of ${values.minutes} minutes at ${values.rate} requests a second`
  await writeFile(values.out, plot(title, samples))
  const { requests, failures } = load
  const growth = (100 * (after.heapBytes - before.heapBytes)) / before.heapBytes
  process.stdout.write(
    `${requests} requests, ${failures} failed\n` +
      `heap after garbage collection: ${megabytes(before.heapBytes)} at ${warmUpSeconds} s, ` +
      `${megabytes(after.heapBytes)} at the end (${growth.toFixed(1)} %)\n` +
      `caches, by their own estimate: ${megabytes(before.cacheBytes)}, then ${megabytes(after.cacheBytes)}\n` +
      `resident: ${megabytes(before.residentBytes)}, then ${megabytes(after.residentBytes)}\n${resolve(values.out)}\n`,
  )
  for (const failure of load.kinds()) process.stdout.write(`  failed: ${failure}\n`)
} finally {
  inspected.close()
  database.close()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}

/** Samples until so many seconds have passed since the beginning. */
async function sampleUntil(end: number): Promise<void> {
  while ((Date.now() - begun) / 1000 < end) {
    await take()
    await pause(sampleSeconds)
  }
}

async function take(): Promise<void> {
  const memory = await inspected.memory()
  const { requests, failures } = load
  samples.push({ seconds: (Date.now() - begun) / 1000, ...memory, rows: countRows(), requests, failures })
}

async function collected(): Promise<{ heapBytes: number; residentBytes: number; cacheBytes: number }> {
  await inspected.collectGarbage()
  const figures = await (await fetch(`${server.url}/metrics`)).text()
  const caches = [...figures.matchAll(/^tessera_cache_bytes\{.*\} (\S+)$/gm)]
  const cacheBytes = caches.reduce((sum, [, bytes]) => sum + Number(bytes), 0)
  return { ...(await inspected.memory()), cacheBytes }
}

/** The rows of all tables but those that the search index keeps to itself. */
function countRows(): number {
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'message_words_%'")
    .all() as { name: string }[]
  return tables.reduce((sum, { name }) => {
    const { n } = database.prepare(`SELECT COUNT(*) AS n FROM "${name}"`).get() as { n: number }
    return sum + n
  }, 0)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
