import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ConfigFlags } from '../config/load.ts'
import { signingKeyPath } from '../config/locations.ts'
import { OperatorError } from '../config/operator-error.ts'
import { createKeyFile, keyFileWarning, readKeyFile } from '../config/signing-key.ts'
import { type KeyFileEntry, signingKeyFromSeed } from '../core/signing.ts'
import { EXIT, type Host, say } from './host.ts'
import { shortPath, withConfig } from './settings.ts'

const show = (host: Host, { keyId, seed }: KeyFileEntry): void => {
  host.stdout.write(`${keyId} ${signingKeyFromSeed(keyId, seed).publicKey}\n`)
}

/** Writes a new signing key where there is none, and shows its public half. */
export const keysGenerate = (host: Host, flags: ConfigFlags, options: { output?: string }): Promise<number> =>
  withConfig(host, flags, ({ config }) => {
    const path = options.output === undefined ? signingKeyPath(config) : resolve(host.cwd, options.output)
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
      const key = createKeyFile(path)
      say(host, `Created ${shortPath(host, path)}. Back it up.`)
      show(host, key)
      return EXIT.ok
    } catch (error) {
      const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
      const reason = error instanceof Error ? error.message : String(error)
      say(
        host,
        exists
          ? `${shortPath(host, path)} is there already, and is never overwritten: move it away first.`
          : `${shortPath(host, path)} cannot be written: ${reason}`,
      )
      return EXIT.failed
    }
  })

/** Shows the ID and the public half of each signing key. */
export const keysShow = (host: Host, flags: ConfigFlags): Promise<number> =>
  withConfig(host, flags, ({ config }) => {
    const path = signingKeyPath(config)
    try {
      const { keys, mode } = readKeyFile(path)
      const warning = keyFileWarning(path, mode)
      if (warning !== undefined) say(host, `warning: ${warning}`)
      for (const key of keys) show(host, key)
      return EXIT.ok
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      say(host, error.message)
      return EXIT.failed
    }
  })
