import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Listener } from './listener.ts'

/** Where a listener's certificate and key are. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** PEM texts. */
export interface CertificateTexts {
  readonly cert: string
  readonly key: string
}

/** Certificates are renewed weeks before they expire. Milliseconds. */
const LOOK_EVERY_MS = 3_600_000

const DAY_MS = 86_400_000
/** One that is to last for no longer should have been renewed by now; of those that are made for few days, a quarter of their time. */
const SOON_MS = 14 * DAY_MS
const SOON_PART = 1 / 4

/** Reads the files. Throws where one cannot be read. */
export const readCertificate = ({ certificate, key }: CertificateFiles): CertificateTexts => ({
  cert: readFileSync(certificate, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

/**
 * Has listeners go on with the certificates that are in their files by now: whatever renews them need not tell us. What cannot be
 * used is logged, and the old one stays; and once a day, that one expires soon or has expired.
 */
export class CertificateRenewal {
  readonly #clock: Clock
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #used: {
    readonly listener: Listener
    readonly files: CertificateFiles
    texts: CertificateTexts
    /** When it was last said that it expires. */
    toldTs: number
  }[] = []
  #running: Promise<void> | undefined

  constructor(parts: { clock: Clock; log: Log }) {
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Looks after a listener that uses what was read of these files. */
  add(listener: Listener, files: CertificateFiles, texts: CertificateTexts): void {
    const used = { listener, files, texts, toldTs: Number.NEGATIVE_INFINITY }
    this.#used.push(used)
    this.#warn(used)
    this.#running ??= this.#look()
  }

  /** Looks now. */
  renew(): void {
    for (const used of this.#used) {
      const { listener, files } = used
      try {
        const texts = readCertificate(files)
        if (texts.cert !== used.texts.cert || texts.key !== used.texts.key) {
          listener.useCertificate(texts)
          used.texts = texts
          this.#log.info({ file: files.certificate }, 'a renewed certificate is in use')
        }
      } catch (error) {
        this.#log.error(
          { file: files.certificate, err: error },
          'a certificate cannot be used; the old one stays',
        )
      }
      this.#warn(used)
    }
  }

  /** Says that nothing has renewed a certificate in time. */
  #warn(used: { readonly files: CertificateFiles; readonly texts: CertificateTexts; toldTs: number }): void {
    const now = this.#clock.now()
    // The first of a file is that of the server.
    const { validFrom, validTo } = new X509Certificate(used.texts.cert)
    const expiresTs = Date.parse(validTo)
    const soon = Math.min(SOON_MS, (expiresTs - Date.parse(validFrom)) * SOON_PART)
    if (expiresTs - now > soon || now - used.toldTs < DAY_MS) return
    used.toldTs = now
    const fields = { file: used.files.certificate, expires: new Date(expiresTs).toISOString() }
    if (expiresTs <= now) this.#log.error(fields, 'a certificate has expired, and nothing has renewed it')
    else this.#log.warn(fields, 'a certificate expires soon, and nothing has renewed it')
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined)
      if (!signal.aborted) this.renew()
    }
  }
}
