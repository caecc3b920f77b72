import { isIP } from 'node:net'

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

// The container of @peculiar/x509 asks for these of a polyfill at import, and needs none of their answers.
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => {},
})
const x509 = await import('@peculiar/x509')

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60_000

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

const privateKeyPem = async ({ privateKey }: Awaited<ReturnType<typeof newKeys>>): Promise<string> =>
  x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')

const validity = () => ({
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + 365 * DAY),
})

/** Makes an authority, which nobody trusts unless told to. */
export const createAuthority = async (name = 'Throw-away CA'): Promise<TestAuthority> => {
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
    return { cert: leaf.toString('pem'), key: await privateKeyPem(leafKeys) }
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
