import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A signature of a local user's key over somebody's key. */
export interface KeySignature {
  readonly targetUser: string
  /** A device ID, or the public part of a cross-signing key. */
  readonly targetKey: string
  readonly signerUser: string
  /** With algorithm: `ed25519:…`. */
  readonly signerKey: string
  readonly signature: string
}

interface Columns {
  target_user: string
  target_key: string
  signer_user: string
  signer_key: string
  signature: string
}

const signature = (row: Columns): KeySignature => ({
  targetUser: row.target_user,
  targetKey: row.target_key,
  signerUser: row.signer_user,
  signerKey: row.signer_key,
  signature: row.signature,
})

/** Reads signatures that were uploaded apart from the keys. */
export class KeySignatureReader {
  readonly #db: Reader
  readonly #visible: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#visible = db.prepare(
      `SELECT target_user, target_key, signer_user, signer_key, signature FROM key_signatures
       WHERE ${db.dialect.inText('target_user')} AND (signer_user = target_user OR signer_user = ?)`,
    )
  }

  /** What these users have signed of their own keys, and what the viewer has signed of them. */
  async visible(targetUsers: readonly string[], viewer: string): Promise<KeySignature[]> {
    if (targetUsers.length === 0) return []
    const rows = await this.#db.scan<Columns>(this.#visible, [this.#db.list(targetUsers), viewer])
    return rows.map(signature)
  }
}

/** Builds the statements that change them. */
export class KeySignatureWriter {
  readonly #set: Prepared
  readonly #dropTarget: Prepared
  readonly #dropSigner: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `INSERT INTO key_signatures (target_user, target_key, signer_user, signer_key, signature)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (target_user, signer_user, target_key, signer_key) DO UPDATE SET signature = excluded.signature`,
    )
    this.#dropTarget = db.prepare(
      'DELETE FROM key_signatures WHERE target_user = ? AND signer_user = ? AND target_key = ?',
    )
    this.#dropSigner = db.prepare('DELETE FROM key_signatures WHERE signer_user = ? AND signer_key = ?')
  }

  set(signatures: readonly KeySignature[]): WriteStatement[] {
    if (signatures.length === 0) return []
    return [
      {
        prepared: this.#set,
        rows: signatures.map(each => [
          each.targetUser,
          each.targetKey,
          each.signerUser,
          each.signerKey,
          each.signature,
        ]),
      },
    ]
  }

  /** Removes what a user has signed of their own keys with these IDs: the keys are gone, or others. */
  dropTargets(userId: string, targetKeys: readonly string[]): WriteStatement[] {
    if (targetKeys.length === 0) return []
    return [{ prepared: this.#dropTarget, rows: targetKeys.map(key => [userId, userId, key]) }]
  }

  /** Removes what these keys of a user have signed. IDs without algorithm. */
  dropSigners(userId: string, keys: readonly string[]): WriteStatement[] {
    if (keys.length === 0) return []
    return [{ prepared: this.#dropSigner, rows: keys.map(key => [userId, `ed25519:${key}`]) }]
  }
}
