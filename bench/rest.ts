/**
 * What a server takes that nobody uses: memory a minute after its start, and a minute after a short conversation of three.
 * `node bench/rest.ts [start|sources|built] [sqlite|postgres]`; `start` is what `npm start` runs, `built` what
 * `npm run build` has made. Linux only. Run it twice: the first time fills the compile cache.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../scripts/postgres.ts'
import { Connection } from './connection.ts'
import { freePort } from './free-port.ts'
import { catchUp } from './listener.ts'
import { pause } from './load.ts'
import { call, createRoom, joinRoom, sendRequest } from './matrix.ts'
import { processUsage } from './process-usage.ts'
import { type Form, programOf } from './program.ts'
import { register } from './registration.ts'
import { spawnServer } from './spawn.ts'

const REST_SECONDS = 60
const MESSAGES = 50

/** MiB: all that is resident, its share where pages are shared with other processes, and what is nobody else's and no file's. */
const memoryOf = async (pid: number): Promise<string> => {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (name: string): string =>
    (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024).toFixed(0)
  return `resident ${of('Rss')} MiB, proportional ${of('Pss')}, anonymous ${of('Anonymous')}`
}

/** Three people in a room say something in turns, and read it. */
const talk = async (url: string): Promise<void> => {
  const connection = new Connection(url)
  const first = await register(connection, { kind: 'open' }, 'one')
  const people = [first]
  for (const name of ['two', 'three']) people.push(await register(connection, { kind: 'open' }, name))
  const roomId = await createRoom(connection, first, { preset: 'public_chat', name: 'Tea' })
  for (const person of people.slice(1)) await joinRoom(connection, person, roomId)
  for (let n = 0; n < MESSAGES; n++) {
    const author = people[n % people.length] ?? first
    await call(connection, sendRequest(author, roomId, `t${n}`, n))
    for (const reader of people) await catchUp(connection, reader)
  }
  connection.close()
}

const [how = 'start', kind = 'sqlite'] = process.argv.slice(2)
const { path, bundle } = programOf(how as Form)
const postgres = kind === 'postgres' ? await startPostgres() : undefined
const directory = await mkdtemp(join(tmpdir(), 'tessera-rest-'))
const port = await freePort()
const begun = performance.now()
const server = await spawnServer(
  `exec '${process.execPath}' --disable-warning=ExperimentalWarning '${path}' serve`,
  `http://127.0.0.1:${port}`,
  {
    TESSERA_BUNDLE: bundle,
    TESSERA_DATA: directory,
    PORT: String(port),
    TESSERA__REGISTRATION__MODE: 'open',
    TESSERA__RATE_LIMITS__ENABLED: 'false',
    ...(postgres === undefined ? {} : { TESSERA__DATABASE__URL: postgres.url }),
  },
)
try {
  const milliseconds = Math.round(performance.now() - begun)
  const cpu = processUsage([server.pid])?.cpuSeconds
  console.log(`${how}, ${kind}: answers after ${milliseconds} ms and ${cpu} s of CPU`)
  await pause(REST_SECONDS)
  console.log(`${how}, ${kind}: at rest ${await memoryOf(server.pid)}`)
  await talk(server.url)
  await pause(REST_SECONDS)
  console.log(`${how}, ${kind}: after a conversation ${await memoryOf(server.pid)}`)
} finally {
  await server.stop()
  await postgres?.stop()
  await rm(directory, { recursive: true, force: true })
}
