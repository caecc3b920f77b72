import { randomBytes, randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import nacl from 'tweetnacl'
import { encodeBase64 } from '../core/base64.ts'
import { formatKeyFile, type KeyFileEntry, parseKeyFile, signingKeyFromSeed } from '../core/signing.ts'
import { OperatorError } from './operator-error.ts'

/**
 * A new key: 32 random bytes under a version that no other key of this server has had. Other servers go by its public half
 * for years, so that two libraries have to agree on it.
 */
export const generateKey = (): KeyFileEntry => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const version = [...randomBytes(6)].map(byte => letters[byte % letters.length]).join('')
  const key = { keyId: `ed25519:a_${version}`, seed: randomBytes(32) }
  const { publicKey } = nacl.sign.keyPair.fromSeed(key.seed)
  if (signingKeyFromSeed(key.keyId, key.seed).publicKey !== encodeBase64(publicKey))
    throw new Error("OpenSSL and tweetnacl disagree about a new signing key's public half")
  return key
}

/**
 * Writes a new key file, readable by its owner alone. It appears whole or not at all: a start that is interrupted
 * must not leave half an identity.
 *
 * @throws the system's error; `EEXIST` if the file is there.
 */
export const createKeyFile = (path: string): KeyFileEntry => {
  const key = generateKey()
  // Two containers with one directory have the same process numbers.
  const draft = `${path}.${randomUUID()}.new`
  try {
    writeFileSync(draft, formatKeyFile([key]), { mode: 0o600, flush: true })
    linkSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  return key
}

export interface KeyFile {
  /** The first signs; all are published. Never empty. */
  readonly keys: readonly [KeyFileEntry, ...KeyFileEntry[]]
  /** Permissions of the file, such as 0o600. */
  readonly mode: number
}

/** Reads the key file. Throws `OperatorError` when there is none, or it holds no key. */
export const readKeyFile = (path: string): KeyFile => {
  try {
    const [first, ...others] = parseKeyFile(readFileSync(path, 'utf8'))
    if (first === undefined) throw new SyntaxError('it is empty')
    return { keys: [first, ...others], mode: statSync(path).mode & 0o777 }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new OperatorError(`The signing key ${path} cannot be read: ${reason}. Restore it from your backup.`)
  }
}

/** What to say about a key file that others may read; `undefined` where all is well. */
export const keyFileWarning = (path: string, mode: number): string | undefined =>
  (mode & 0o077) === 0
    ? undefined
    : `${path} can be read by other users of this machine, who could then speak for this server: chmod 600 ${path}`
