import { createSecureContext } from 'node:tls'
import { readAppServices } from '../config/app-service-registrations.ts'
import { readingFailure } from '../config/layer.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/schema/index.ts'
import { readCertificate } from '../http/certificates.ts'

/**
 * What is wrong with the files that settings name, in sentences: registrations of application services, certificates. A server would
 * not start with them.
 */
export const fileErrors = ({ applicationServices, serverName, listeners }: Config): string[] =>
  [
    () => readAppServices(applicationServices.directory, serverName),
    ...listeners.map(({ tls }) => () => {
      if (tls === undefined) return
      const texts = readable(`The certificate ${tls.certificate} or its key ${tls.key}`, () =>
        readCertificate(tls),
      )
      try {
        createSecureContext(texts)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new OperatorError(
          `The certificate ${tls.certificate} cannot be used with the key ${tls.key}: ${why}.`,
        )
      }
    }),
  ].flatMap(check => failureOf(check) ?? [])

const readable = <T>(what: string, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    throw new OperatorError(`${what} cannot be read: ${readingFailure(error)}.`)
  }
}

const failureOf = (check: () => unknown): string | undefined => {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
}
