/** A mail server that keeps what it gets, for tests of what this server sends. */
import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A message as it came in. */
export interface SunkMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header and body as they travelled. */
  readonly raw: string
  /** By lower-case name, unfolded, not decoded. */
  readonly headers: Readonly<Record<string, string>>
  /** The part in plain text, decoded. */
  readonly text: string
}

export interface MailSink {
  readonly port: number
  /** Settings (`email`) of a server that sends here. */
  readonly settings: object
  readonly mails: readonly SunkMail[]
  /** The next message that nobody has taken yet, once it is there. */
  next(): Promise<SunkMail>
  close(): Promise<void>
}

const LOOPBACK = '127.0.0.1'
/** So long (ms) a message is waited for, which may take a while on a busy machine. */
const PATIENCE_MS = 100_000

/** Opens one on a free port of the loopback interface; by default without TLS, for everybody. */
export const openMailSink = async (options: SMTPServerOptions = {}): Promise<MailSink> => {
  const mails: SunkMail[] = []
  const arrivals = new EventEmitter()
  let taken = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const raw = Buffer.concat(chunks).toString('utf8')
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
          headers: headersOf(raw),
          text: plainText(raw),
        })
        arrivals.emit('mail')
        callback()
      })
    },
    ...options,
  })
  // A client that breaks off (because it does not trust us, say) is not this server's failure.
  server.on('error', () => undefined)
  server.listen(0, LOOPBACK)
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    settings: { host: LOOPBACK, port, tls: 'none', from: 'Tessera <noreply@example.org>' },
    mails,
    next: async () => {
      while (mails.length <= taken) await once(arrivals, 'mail', { signal: AbortSignal.timeout(PATIENCE_MS) })
      const mail = mails[taken]
      if (mail === undefined) throw new Error('no mail')
      taken += 1
      return mail
    },
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

const split = (entity: string): [head: string, body: string] => {
  const at = entity.indexOf('\r\n\r\n')
  return at < 0 ? [entity, ''] : [entity.slice(0, at), entity.slice(at + 4)]
}

const headersOf = (entity: string): Record<string, string> =>
  Object.fromEntries(
    split(entity)[0]
      .replace(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map(line => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
  )

const plainText = (entity: string): string => {
  const headers = headersOf(entity)
  const [, body] = split(entity)
  const type = headers['content-type'] ?? 'text/plain'
  const [, boundary] = /boundary="?([^";]+)/.exec(type) ?? []
  if (boundary !== undefined) {
    const parts = body.split(`--${boundary}`).slice(1, -1)
    return parts.map(part => plainText(part.replace(/^\r\n/, ''))).find(text => text !== '') ?? ''
  }
  if (!type.startsWith('text/plain')) return ''
  const encoding = headers['content-transfer-encoding']
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8')
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
