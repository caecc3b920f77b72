import type { JsonObject } from '../../core/json.ts'
import { parseJson } from '../../core/parse-json.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** One key of another server, as last published. Instants are milliseconds since 1970. */
export interface ServerKeyRow {
  readonly serverName: string
  readonly keyId: string
  /** Unpadded base64 of 32 bytes. */
  readonly publicKey: string
  /** For how long the key may be taken as being in use. */
  readonly validUntilTs: number
  /** Since when it is out of use, if it is. */
  readonly expiredTs: number | undefined
  readonly fetchedTs: number
}

/** A server's own signed words about its keys. */
export interface ServerKeyDocument {
  readonly serverName: string
  readonly document: JsonObject
  readonly validUntilTs: number
  readonly fetchedTs: number
}

interface KeyColumns {
  server_name: string
  key_id: string
  public_key: string
  valid_until_ts: number
  expired_ts: number | null
  fetched_ts: number
}

interface DocumentColumns {
  server_name: string
  document: string
  valid_until_ts: number
  fetched_ts: number
}

/** Reads other servers' keys. */
export class ServerKeyReader {
  readonly #db: Reader
  readonly #ofServer: Prepared
  readonly #document: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#ofServer = db.prepare(
      `SELECT server_name, key_id, public_key, valid_until_ts, expired_ts, fetched_ts FROM server_keys
       WHERE server_name = ?`,
    )
    this.#document = db.prepare(
      'SELECT server_name, document, valid_until_ts, fetched_ts FROM server_key_documents WHERE server_name = ?',
    )
  }

  /** Every key of a server that was ever seen. */
  async ofServer(serverName: string): Promise<ServerKeyRow[]> {
    return (await this.#db.all<KeyColumns>(this.#ofServer, [serverName])).map(row => ({
      serverName: row.server_name,
      keyId: row.key_id,
      publicKey: row.public_key,
      validUntilTs: row.valid_until_ts,
      expiredTs: row.expired_ts ?? undefined,
      fetchedTs: row.fetched_ts,
    }))
  }

  /** The newest document of a server. */
  async document(serverName: string): Promise<ServerKeyDocument | undefined> {
    const row = await this.#db.get<DocumentColumns>(this.#document, [serverName])
    return (
      row && {
        serverName: row.server_name,
        document: parseJson(row.document) as JsonObject,
        validUntilTs: row.valid_until_ts,
        fetchedTs: row.fetched_ts,
      }
    )
  }
}

/** Builds the statements that store other servers' keys. */
export class ServerKeyWriter {
  readonly #upsert: Prepared
  readonly #upsertDocument: Prepared

  constructor(db: Reader) {
    this.#upsert = db.prepare(
      `INSERT INTO server_keys (server_name, key_id, public_key, valid_until_ts, expired_ts, fetched_ts)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (server_name, key_id) DO UPDATE SET public_key = excluded.public_key,
         valid_until_ts = excluded.valid_until_ts, expired_ts = excluded.expired_ts,
         fetched_ts = excluded.fetched_ts`,
    )
    this.#upsertDocument = db.prepare(
      `INSERT INTO server_key_documents (server_name, document, valid_until_ts, fetched_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (server_name) DO UPDATE SET document = excluded.document,
         valid_until_ts = excluded.valid_until_ts, fetched_ts = excluded.fetched_ts`,
    )
  }

  /** What a server has just published. */
  put(keys: readonly ServerKeyRow[], document: ServerKeyDocument): WriteStatement[] {
    const { serverName, validUntilTs, fetchedTs } = document
    return [
      {
        prepared: this.#upsert,
        rows: keys.map(key => [
          key.serverName,
          key.keyId,
          key.publicKey,
          key.validUntilTs,
          key.expiredTs ?? null,
          key.fetchedTs,
        ]),
      },
      {
        prepared: this.#upsertDocument,
        rows: [[serverName, JSON.stringify(document.document), validUntilTs, fetchedTs]],
      },
    ].filter(statement => statement.rows.length > 0)
  }
}
