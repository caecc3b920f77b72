import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import Sqlite from 'better-sqlite3'
import { createKeyFile } from '../config/signing-key.ts'
import { run } from '../test-kit/command-runs.ts'
import { makeSynapse } from '../test-kit/synapse.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'

const ANN = {
  ...{
    name: '@ann:a.test',
    password_hash: '$2b$04$hash',
    creation_ts: 1,
    admin: 1,
    is_guest: 0,
    deactivated: 0,
  },
  ...{ shadow_banned: false, locked: false, suspended: false },
}

const FILE = {
  ...{ media_id: 'abcdefgh', media_type: 'text/plain', media_length: 6, created_ts: 1, user_id: ANN.name },
  safe_from_quarantine: false,
}

/** A Synapse that has been stopped, and the settings of a Tessera in its place. */
const stopped = async (t: ExecutionContext, settings: object = {}) => {
  const cwd = temporaryDirectory(t)
  const location = await makeSynapse(
    t,
    { kind: 'sqlite', path: '' },
    { users: [ANN], local_media_repository: [FILE] },
  )
  createKeyFile(join(cwd, 'synapse.key'))
  mkdirSync(join(cwd, 'files/local_content/ab/cd'), { recursive: true })
  writeFileSync(join(cwd, 'files/local_content/ab/cd/efgh'), 'a file')
  const write = (more: object): void => {
    const theirs = {
      server_name: 'a.test',
      signing_key_path: 'synapse.key',
      media_store_path: 'files',
      database: {
        name: 'sqlite3',
        args: { database: location.kind === 'sqlite' ? location.path : '' },
      },
      ...settings,
      ...more,
    }
    writeFileSync(join(cwd, 'synapse.yaml'), JSON.stringify(theirs))
  }
  write({})
  const ours = (more: object = {}): void =>
    writeFileSync(join(cwd, 'homeserver.yaml'), JSON.stringify({ server_name: 'a.test', ...more }))
  ours()
  const imports = async (more = '') => {
    const { code, host } = await run(t, `import synapse synapse.yaml${more}`, { cwd })
    return { code, out: host.out(), err: host.err() }
  }
  return { cwd, location, imports, write, ours }
}

/** Makes the filled database one whose import was interrupted. */
const interrupted = (cwd: string, source: string): void => {
  const db = new Sqlite(join(cwd, 'data/homeserver.db'))
  db.exec(`CREATE TABLE dump_progress (table_name text PRIMARY KEY, row_count integer, checksum text, last_key text, is_done integer);
    INSERT INTO dump_progress VALUES ('#source', 0, '${source}', NULL, 0)`)
  db.close()
}

test('an import fills the empty database, and takes over the signing key', async t => {
  const { cwd, imports } = await stopped(t)
  const ready = await imports(' --check')
  t.is(ready.code, 0, ready.err)
  t.is(ready.err, 'Everything is ready for the import.\n')
  t.false(existsSync(join(cwd, 'data/signing.key')))
  const done = await imports()
  t.is(done.code, 0, done.err)
  t.regex(done.err, /^Took over Synapse's signing key as .*\n/)
  t.is(
    readFileSync(join(cwd, 'data/signing.key'), 'utf8').trim(),
    readFileSync(join(cwd, 'synapse.key'), 'utf8').trim(),
  )
  t.regex(done.out, /^What came over:\n {2}1 accounts\n {2}1 files\n/)
  t.regex(done.err, /Done\. Start the server in place of Synapse: npx tessera serve/)
  const again = await imports()
  t.is(again.code, 1)
  t.regex(again.err, /holds accounts or rooms already/)
})

test('an unfinished import is gone on with, and served by nobody', async t => {
  const { cwd, imports } = await stopped(t)
  t.is((await imports()).code, 0)
  interrupted(cwd, 'synapse a.test at 0.0.0.0.0')
  const { code, host } = await run(t, 'user list', { cwd, module: await import('../server-cli.ts') })
  t.is(code, 1)
  t.regex(host.err(), /is being filled .* give the same command again/)
  const done = await imports()
  t.is(done.code, 0, done.err)
  t.regex(done.err, /^Going on with the import that was begun\./)
})

test('an import is not gone on with once Synapse was in use again', async t => {
  const { cwd, location, imports } = await stopped(t)
  t.is((await imports()).code, 0)
  interrupted(cwd, 'synapse a.test at 0.0.0.0.0')
  const synapse = new Sqlite(location.kind === 'sqlite' ? location.path : '')
  synapse.exec("INSERT INTO account_data VALUES ('@ann:a.test', 'org.test.x', 7, '{}')")
  synapse.close()
  const refused = await imports()
  t.is(refused.code, 1)
  t.regex(refused.err, /^Synapse was in use again since this import was begun.*begin anew\.\n$/)
})

test('what stands in the way is said in a sentence', async t => {
  const { cwd, imports, write, ours } = await stopped(t)
  const refuses = async (reason: RegExp, more?: string): Promise<void> => {
    const { code, err } = await imports(more)
    t.is(code, 1, String(reason))
    t.regex(err, reason)
    t.is(err.trim().split('\n').length, 1, 'a sentence')
  }
  write({ server_name: 'b.test' })
  await refuses(/Synapse's server is b\.test, and this one is a\.test/)
  write({ server_name: undefined })
  await refuses(/say no server_name/)
  write({ database: { name: 'sqlite3', args: { database: 'nowhere.db' } } })
  await refuses(/Synapse's database .*nowhere\.db cannot be read/)
  write({ databases: {} })
  await refuses(/split over several databases/)
  write({ database: undefined })
  await refuses(/name no database/)
  await refuses(/--database is no database/, ' --database nonsense')
  await refuses(/nowhere\.yaml cannot be read/, ' nowhere.yaml')
  write({ password_config: { pepper: 'salt' } })
  await refuses(/set passwords\.bcrypt_pepper to the same text/)
  write({})
  ours({ passwords: { bcrypt_pepper: 'salt' } })
  await refuses(/Synapse has no pepper/)
  ours()
  write({ pid_file: 'synapse.pid' })
  writeFileSync(join(cwd, 'synapse.pid'), String(process.pid))
  await refuses(/Synapse seems to be running: its process \d+ is alive/)
  rmSync(join(cwd, 'synapse.pid'))
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  write({ listeners: [{ port: typeof address === 'object' ? address?.port : 0 }] })
  await refuses(/something answers on its port/)
  write({ media_store_path: 'elsewhere' })
  await refuses(/files are not in .*elsewhere: say where by --media/)
  await refuses(/files are not in .*nowhere:/, ' --media nowhere')
  write({ signing_key_path: 'nowhere.key' })
  await refuses(/signing key .*nowhere\.key is not there/)
  write({ signing_key_path: undefined })
  await refuses(/name no signing key/)
  write({ signing_key: 'ed25519 a key' })
  await refuses(/hold the signing key itself/)
  createKeyFile(join(cwd, 'data/signing.key'))
  write({})
  await refuses(/is not Synapse's/)
})

test('the signing key is found where Synapse makes it', async t => {
  const { cwd, imports, write } = await stopped(t)
  write({ signing_key_path: undefined })
  renameSync(join(cwd, 'synapse.key'), join(cwd, 'a.test.signing.key'))
  t.is((await imports(' --check')).code, 0)
})

test('files may be linked, or stay behind', async t => {
  const { imports, ours } = await stopped(t)
  ours({
    media: { store: 's3', s3: { endpoint: 'http://s3.test', bucket: 'b', access_key: 'a', secret_key: 's' } },
  })
  t.regex((await imports(' --link-media')).err, /--link-media is for files in a directory/)
  ours()
  const behind = await imports(' --no-media')
  t.is(behind.code, 0, behind.err)
  t.regex(behind.out, /What did not:\n {2}1 × files, as was asked for \(--no-media\)\n/)
  const other = await stopped(t)
  const linked = await other.imports(' --link-media')
  t.regex(linked.out, /1 files/, linked.err)
})

test('where Synapse leaves signing in to another, its database is asked for', async t => {
  const { imports, write } = await stopped(t)
  const { err } = await imports(' --check --mas-database postgres://localhost/mas')
  t.regex(err, /^--mas-database is given, but Synapse signs people in itself/)
  write({ matrix_authentication_service: { enabled: true }, password_config: { pepper: 'of before' } })
  const asked = await imports(' --check')
  t.is(asked.code, 1)
  t.regex(asked.err, /^Synapse leaves signing in to a Matrix Authentication Service, .*--mas-database/)
  const misnamed = (await imports(' --check --mas-database postgresql+psycopg://mas:secret@localhost/mas'))
    .err
  t.regex(misnamed, /^--mas-database is no database: write/)
  t.notRegex(misnamed, /secret/)
  t.is((await imports(' --check --no-mas-database')).code, 0)
})

test('settings of several files are taken together', async t => {
  const { cwd, write, imports } = await stopped(t)
  write({ server_name: undefined })
  writeFileSync(join(cwd, 'name.yaml'), 'server_name: a.test\n')
  t.is((await imports(' name.yaml --check')).code, 0)
})

test('settings of Synapse are printed as ours', async t => {
  const { cwd, imports } = await stopped(t, { enable_registration: true })
  const { code, out } = await imports(' --print-settings')
  t.is(code, 0)
  writeFileSync(join(cwd, 'homeserver.yaml'), out)
  t.is((await run(t, 'config check', { cwd })).code, 0)
  t.regex(out, /^server_name: a\.test$/m)
  t.regex(out, /^registration:\n {2}mode: open$/m)
  t.is((await imports(' nowhere.yaml --print-settings')).code, 1)
})
