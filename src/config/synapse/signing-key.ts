import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatKeyFile } from '../../core/signing.ts'
import { OperatorError } from '../operator-error.ts'
import { readKeyFile } from '../signing-key.ts'

/**
 * Makes sure that this server signs with Synapse's key: copies its file where there is none yet, which it answers.
 *
 * @param isCheck whether nothing is to be copied
 * @throws {OperatorError} if this server has another key, or one of the files cannot be read
 */
export const takeOverKey = (theirFile: string, ourFile: string, isCheck: boolean): boolean => {
  if (!existsSync(theirFile)) {
    throw new OperatorError(`Synapse's signing key ${theirFile} is not there (signing_key_path).`)
  }
  const { keys } = readKeyFile(theirFile)
  if (!existsSync(ourFile)) {
    if (isCheck) return false
    mkdirSync(dirname(ourFile), { recursive: true })
    const draft = `${ourFile}.${randomUUID()}.new`
    writeFileSync(draft, formatKeyFile(keys), { mode: 0o600, flush: true })
    try {
      linkSync(draft, ourFile)
    } finally {
      rmSync(draft)
    }
    return true
  }
  const ours = readKeyFile(ourFile).keys[0]
  const [theirs] = keys
  if (ours.keyId === theirs.keyId && Buffer.from(ours.seed).equals(Buffer.from(theirs.seed))) return false
  throw new OperatorError(
    `This server's signing key (${ourFile}, ${ours.keyId}) is not Synapse's (${theirFile}, ${theirs.keyId}): other servers know Synapse's. Set signing_key_file to it, or move ours away, so that a copy of it is made.`,
  )
}
