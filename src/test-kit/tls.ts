import { isIP } from 'node:net'
import type * as X509 from '@peculiar/x509'

/** A certificate and its private key, in PEM form, as `https.createServer` takes them. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority that lives as long as the process. */
export interface TestAuthority {
  /** Its own certificate, to be trusted as an extra CA. */
  readonly pem: string
  /** A certificate for DNS names and IP addresses; made once for the same names. */
  issue(names: readonly string[]): Promise<Certificate>
}

/** Loaded for the first authority: many tests that import this need none, and its two hundred modules take a tenth of a second. */
const loadX509 = (): Promise<typeof X509> => {
  // Its container asks for these of a polyfill at import, and needs none of their answers.
  Object.assign(Reflect, {
    getMetadata: () => undefined,
    getOwnMetadata: () => undefined,
    defineMetadata: () => {},
  })
  return import('@peculiar/x509')
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60_000

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

const validity = () => ({
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + 365 * DAY),
})

/** Makes an authority, which nobody trusts unless told to. */
export const createAuthority = async (name = 'Throw-away CA'): Promise<TestAuthority> => {
  const x509 = await loadX509()
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })

  const issue = async (names: readonly string[]): Promise<Certificate> => {
    const leafKeys = await newKeys()
    const leaf = await x509.X509CertificateGenerator.create({
      subject: 'CN=test',
      issuer: certificate.subject,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...validity(),
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map(value => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    })
    const key = await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey)
    return { cert: leaf.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
  }

  const issued = new Map<string, Promise<Certificate>>()
  return {
    pem: certificate.toString('pem'),
    issue: names => {
      const known = issued.get(names.join(' ')) ?? issue(names)
      issued.set(names.join(' '), known)
      return known
    },
  }
}

let shared: Promise<TestAuthority> | undefined

/** The authority of this process, made at the first call. */
export const testAuthority = (): Promise<TestAuthority> => {
  shared ??= createAuthority()
  return shared
}
