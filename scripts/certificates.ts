import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAuthority } from '../src/test-kit/tls.ts'

/** Paths of what servers prove who they are by, and of what the others believe it by. */
export interface Certificates {
  readonly certificateFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** Writes a certificate for these hosts into a directory, with that of a throw-away authority, readable for servers of other users. */
export const certify = async (directory: string, hosts: readonly string[]): Promise<Certificates> => {
  const authority = await testAuthority()
  const { cert, key } = await authority.issue(hosts)
  const files = {
    certificateFile: join(directory, 'cert.pem'),
    keyFile: join(directory, 'key.pem'),
    caFile: join(directory, 'ca.pem'),
  }
  writeFileSync(files.certificateFile, cert)
  writeFileSync(files.keyFile, key, { mode: 0o644 })
  writeFileSync(files.caFile, authority.pem)
  return files
}
