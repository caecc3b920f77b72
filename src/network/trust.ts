import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/** Reading the roots and making a context costs some 100 ms: once per process and file of extra authorities. */
const contexts = new Map<string, SecureContext>()

/**
 * The certificate authorities that this server trusts: the operating system's (server-server API, "TLS"), or those
 * that come with Node where it has none, and the operator's own.
 *
 * @param extraCa PEM text with any number of certificates.
 * @throws where the text holds none.
 */
export const trustedRoots = (extraCa?: string): SecureContext => {
  const known = contexts.get(extraCa ?? '')
  if (known !== undefined) return known
  if (extraCa !== undefined && !extraCa.includes('-----BEGIN CERTIFICATE-----')) {
    throw new TypeError('the file of extra certificate authorities holds no certificate in PEM form')
  }
  const system = getCACertificates('system')
  const roots = new Set([
    ...(system.length > 0 ? system : getCACertificates('bundled')),
    ...getCACertificates('extra'),
    ...(extraCa === undefined ? [] : [extraCa]),
  ])
  const context = createSecureContext({ ca: [...roots] })
  contexts.set(extraCa ?? '', context)
  return context
}
