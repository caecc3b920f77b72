import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A transaction that is under way to an application service. */
export interface AppServiceTransaction {
  readonly txnId: string
  /** JSON text, sent as it is. */
  readonly body: string
}

/** Reads what waits for application services. */
export class AppServiceReader {
  readonly #db: Reader
  readonly #transaction: Prepared
  readonly #devices: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#transaction = db.prepare('SELECT txn_id, body FROM app_service_transactions WHERE service_id = ?')
    this.#devices = db.prepare(
      `SELECT user_id, device_id FROM devices WHERE ${db.dialect.inText('user_id')} ORDER BY user_id, device_id`,
    )
  }

  /** The transaction that a service has not acknowledged. */
  async transaction(serviceId: string): Promise<AppServiceTransaction | undefined> {
    const row = await this.#db.get<{ txn_id: string; body: string }>(this.#transaction, [serviceId])
    return row && { txnId: row.txn_id, body: row.body }
  }

  /** All devices of these users. */
  async devicesOf(userIds: readonly string[]): Promise<{ userId: string; deviceId: string }[]> {
    if (userIds.length === 0) return []
    const rows = await this.#db.scan<{ user_id: string; device_id: string }>(this.#devices, [
      this.#db.list(userIds),
    ])
    return rows.map(row => ({ userId: row.user_id, deviceId: row.device_id }))
  }
}

/** Builds the statements about application services. */
export class AppServiceWriter {
  readonly #begin: Prepared
  readonly #done: Prepared
  readonly #list: Prepared
  readonly #unlist: Prepared

  constructor(db: Reader) {
    this.#begin = db.prepare(
      `INSERT INTO app_service_transactions (service_id, txn_id, body, created_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#done = db.prepare('DELETE FROM app_service_transactions WHERE service_id = ? AND txn_id = ?')
    this.#list = db.prepare(
      'INSERT INTO app_service_rooms (instance_id, room_nid) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#unlist = db.prepare('DELETE FROM app_service_rooms WHERE instance_id = ? AND room_nid = ?')
  }

  /** Guard `transaction`: no other is under way. */
  begin(serviceId: string, { txnId, body }: AppServiceTransaction, now: number): WriteStatement {
    return {
      prepared: this.#begin,
      rows: [[serviceId, txnId, body, now]],
      guard: { name: 'transaction', expected: 1 },
    }
  }

  /** The service has acknowledged it. */
  done(serviceId: string, txnId: string): WriteStatement {
    return { prepared: this.#done, rows: [[serviceId, txnId]] }
  }

  /** Puts a room into the directory of a network, or takes it out. */
  setListed(instanceId: string, roomNid: number, isListed: boolean): WriteStatement {
    return { prepared: isListed ? this.#list : this.#unlist, rows: [[instanceId, roomNid]] }
  }
}
