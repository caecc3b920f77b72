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

/** Reads the files. Throws where one cannot be read. */
export const readCertificate = ({ certificate, key }: CertificateFiles): CertificateTexts => ({
  cert: readFileSync(certificate, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

/**
 * Has listeners go on with the certificates that are in their files by now: whatever renews them need not tell us. What cannot be
 * used is logged, and the old one stays.
 */
export class CertificateRenewal {
  readonly #clock: Clock
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #used: {
    readonly listener: Listener
    readonly files: CertificateFiles
    texts: CertificateTexts
  }[] = []
  #running: Promise<void> | undefined

  constructor(parts: { clock: Clock; log: Log }) {
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Looks after a listener that uses what was read of these files. */
  add(listener: Listener, files: CertificateFiles, texts: CertificateTexts): void {
    this.#used.push({ listener, files, texts })
    this.#running ??= this.#look()
  }

  /** Looks now. */
  renew(): void {
    for (const used of this.#used) {
      const { listener, files } = used
      try {
        const texts = readCertificate(files)
        if (texts.cert === used.texts.cert && texts.key === used.texts.key) continue
        listener.useCertificate(texts)
        used.texts = texts
        this.#log.info({ file: files.certificate }, 'a renewed certificate is in use')
      } catch (error) {
        this.#log.error(
          { file: files.certificate, err: error },
          'a certificate cannot be used; the old one stays',
        )
      }
    }
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
