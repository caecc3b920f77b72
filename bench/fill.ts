/**
 * Fills an empty database with a big world, by the write path of the server: a server runs on it as on its own data.
 * `npm run fill -- --help` lists the options.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareDataDirectory } from '../src/config/data-directory.ts'
import { defaultConfig } from '../src/config/load.ts'
import { databaseLocation, signingKeyPath } from '../src/config/locations.ts'
import { readKeyFile } from '../src/config/signing-key.ts'
import { signingKeyFromSeed } from '../src/core/signing.ts'
import { openDatabase } from '../src/storage/open.ts'
import { fill } from './filled/fill.ts'
import { SCALES, type ScaleName } from './filled/scales.ts'

const usage = `npm run fill -- [options]
  --data DIRECTORY (./filled)   where the signing key is, or will be, and the database unless another is named
  --database URL                sqlite:PATH or postgres://…, migrated or not, and empty
  --scale NAME (small)          ${Object.keys(SCALES).join(', ')}
  --server-name NAME (localhost)
  --seed N (1)
Start a server on it with: npm start -- --data DIRECTORY [--set database.url=URL]
`

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      data: { type: 'string', default: 'filled' },
      database: { type: 'string' },
      scale: { type: 'string', default: 'small' },
      'server-name': { type: 'string', default: 'localhost' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  const { scale: name } = values
  if (!Object.hasOwn(SCALES, name)) throw new Error(`no scale ${name}\n${usage}`)
  const directory = resolve(values.data)
  const config = defaultConfig(directory, {
    server_name: values['server-name'],
    data_directory: directory,
    ...(values.database === undefined ? {} : { database: { url: values.database } }),
  })
  // A name, so that no settings file is written: the command line of the server says all there is to say.
  prepareDataDirectory(config, 'none')
  const [key] = readKeyFile(signingKeyPath(config)).keys
  const database = await openDatabase(databaseLocation(config))
  try {
    if (database.position('events') > 0)
      throw new Error('the database holds a world already: name an empty one')
    const begun = performance.now()
    await fill({
      database,
      scale: SCALES[name as ScaleName],
      ...{ serverName: config.serverName, signingKey: signingKeyFromSeed(key.keyId, key.seed) },
      ...{ seed: Number(values.seed), now: Date.now() },
      progress: line => process.stderr.write(`${line}\n`),
    })
    const { user, system } = process.cpuUsage()
    process.stderr.write(
      `${name}: ${database.position('events')} events in ${((performance.now() - begun) / 1000).toFixed(0)} s, ` +
        `${((user + system) / 1e6).toFixed(0)} s of CPU\n`,
    )
  } finally {
    await database.close()
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`fill: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}
