import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { SqlValue } from '../database.ts'
import type { CopyProgress } from './copy.ts'
import {
  BATCH,
  DumpError,
  keyOf,
  type RowSource,
  RowSum,
  type RowValues,
  type TableShape,
} from './row-stream.ts'

const FORMAT = 1

/** The first line of a dump. */
interface Header {
  readonly tessera_dump: number
  readonly schema_version: number
  readonly server_name: string
  readonly created_ts: number
  readonly fingerprint: string
  readonly tables: readonly {
    readonly name: string
    readonly columns: readonly string[]
    readonly key: readonly string[]
  }[]
}

/**
 * Writes everything of a source into a file, compressed. The file appears when it is complete and on disk.
 * @returns how many rows it holds
 */
export const writeDump = async (
  source: RowSource,
  file: { readonly path: string; readonly serverName: string; readonly now: number },
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<number> => {
  const partial = `${file.path}.partial`
  let written = 0
  const tables = await source.tables()
  let total = 0
  for (const table of tables) total += (await source.count(table)) ?? 0
  const lines = async function* (): AsyncGenerator<string> {
    const header: Header = {
      tessera_dump: FORMAT,
      schema_version: source.schemaVersion,
      server_name: file.serverName,
      created_ts: file.now,
      fingerprint: source.fingerprint,
      tables: tables.map(({ name, columns, key }) => ({ name, columns, key })),
    }
    yield `${JSON.stringify(header)}\n`
    for (const table of tables) {
      const sum = new RowSum()
      yield `${JSON.stringify({ table: table.name })}\n`
      for await (const rows of source.rows(table, { rows: 0, lastKey: undefined })) {
        for (const row of rows) sum.add(row)
        yield `${rows.map(row => JSON.stringify(row)).join('\n')}\n`
        onProgress({ phase: 'copy', table: table.name, rows: written + sum.rows, total })
      }
      written += sum.rows
      yield `${JSON.stringify({ end: table.name, ...sum.value })}\n`
    }
    yield `${JSON.stringify({ complete: written })}\n`
  }
  try {
    await pipeline(lines, createGzip({ level: 4 }), createWriteStream(partial, { mode: 0o600 }))
    const handle = await open(partial, 'r+')
    await handle.sync()
    await handle.close()
    await rename(partial, file.path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
  return written
}

/**
 * A dump file as a source; its tables can be read once, in their order.
 * @throws {DumpError} if it is no dump; later, if it is damaged or incomplete
 */
export const openDump = async (path: string): Promise<RowSource & { readonly serverName: string }> => {
  const lines = linesOf(path)
  const first = await lines.next()
  const header = first.done ? undefined : parse(first.value)
  if (!isHeader(header)) throw new DumpError(`${path} is not a backup of Tessera`)
  if (header.tessera_dump > FORMAT) throw new DumpError(`${path} was made by a newer version of Tessera`)
  const shapes = header.tables.map(table => ({ ...table, isText: [] }))
  return {
    schemaVersion: header.schema_version,
    fingerprint: `${header.created_ts} ${header.fingerprint}`,
    serverName: header.server_name,
    tables: async () => shapes,
    count: async () => undefined,
    rows: async function* (table, skip) {
      yield* rowsOf(path, lines, table, skip.rows)
      if (table.name === shapes.at(-1)?.name && !isComplete((await lines.next()).value))
        throw new DumpError(`${path} is incomplete`)
    },
    close: async () => {
      await lines.return(undefined)
    },
  }
}

async function* rowsOf(
  path: string,
  lines: AsyncGenerator<string>,
  table: TableShape,
  skip: number,
): AsyncGenerator<RowValues[]> {
  const damaged = (): DumpError =>
    new DumpError(`${path} is damaged or incomplete, in the table ${table.name}`)
  const begin = parse((await lines.next()).value) as { table?: string } | undefined
  if (begin?.table !== table.name) throw damaged()
  const sum = new RowSum()
  let batch: RowValues[] = []
  for (;;) {
    const { value, done } = await lines.next()
    const line = done ? undefined : parse(value)
    if (Array.isArray(line) && line.length === table.columns.length && !keyOf(table, line).includes(null)) {
      sum.add(line as SqlValue[])
      if (sum.rows > skip) batch.push(line as SqlValue[])
      if (batch.length < BATCH) continue
    } else {
      const end = line as { end?: string; rows?: number; checksum?: string } | undefined
      const { rows, checksum } = sum.value
      if (end?.end !== table.name || end.rows !== rows || end.checksum !== checksum) throw damaged()
      if (batch.length > 0) yield batch
      return
    }
    yield batch
    batch = []
  }
}

async function* linesOf(path: string): AsyncGenerator<string, undefined> {
  const file = createReadStream(path)
  try {
    await once(file, 'open')
  } catch (cause) {
    throw new DumpError(`${path} cannot be read`, { cause })
  }
  const unzipped = file.pipe(createGunzip())
  file.on('error', error => unzipped.destroy(error))
  try {
    for await (const line of createInterface({ input: unzipped, crlfDelay: Number.POSITIVE_INFINITY }))
      yield line
  } catch (cause) {
    throw new DumpError(`${path} is damaged, incomplete or no backup`, { cause })
  } finally {
    file.destroy()
    unzipped.destroy()
  }
  return undefined
}

const parse = (line: string | undefined): unknown => {
  try {
    return line === undefined ? undefined : JSON.parse(line)
  } catch {
    return undefined
  }
}

const isHeader = (value: unknown): value is Header =>
  typeof value === 'object' && value !== null && 'tessera_dump' in value && 'tables' in value

const isComplete = (line: string | undefined): boolean =>
  typeof (parse(line) as { complete?: number } | undefined)?.complete === 'number'
