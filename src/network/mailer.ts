import { readFileSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { parseMailbox } from '../core/email-address.ts'
import { withDeadline } from './deadline.ts'
import { trustedRoots } from './trust.ts'

/** One message to one person. Everything but `to` may come from users: nothing in it can add a header or a recipient. */
export interface Mail {
  /** The bare address, as in `alice@example.org`. */
  readonly to: string
  readonly subject: string
  readonly text: string
  /** The same for programs that show HTML. Whoever makes it escapes what users wrote (`core/mail-text.ts`). */
  readonly html?: string
  /** Further headers, such as `List-Unsubscribe`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Further renderings of the same content, such as `text/calendar; method=REQUEST`. */
  readonly alternatives?: readonly { readonly contentType: string; readonly content: string }[]
  readonly attachments?: readonly {
    readonly filename: string
    readonly contentType: string
    readonly content: string
  }[]
}

/** The way out for e-mail. */
export interface Mailer {
  /**
   * Hands one message to the operator's mail server, which has taken it on when this resolves.
   *
   * @throws {MailError}
   */
  send(mail: Mail): Promise<void>
  /** Ends all connections; messages that are under way fail. */
  close(): Promise<void>
}

/**
 * Why a message was not taken: `invalid` (it is no message), `refused` (the mail server does not want it, now or ever),
 * `unreachable` (no mail server, no secure connection, or none that lets us in), `timeout`, `busy` (too many wait).
 */
export type MailFailure = 'invalid' | 'refused' | 'unreachable' | 'timeout' | 'busy'

/** A message was not taken. Its cause is for the log. */
export class MailError extends Error {
  override readonly name = 'MailError'
  readonly kind: MailFailure
  /** Whether sending the same again is in vain. */
  readonly permanent: boolean

  constructor(kind: MailFailure, message: string, options: { permanent?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.permanent = options.permanent ?? kind === 'invalid'
  }
}

/** How the operator's mail server is reached. */
export interface MailerOptions {
  readonly host: string
  /** 465 where TLS comes first, 587 elsewhere. */
  readonly port?: number | undefined
  /** `starttls` and `implicit` send nothing in clear text; `opportunistic` encrypts where the server offers it. */
  readonly tls: 'starttls' | 'implicit' | 'opportunistic' | 'none'
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** The sender: `noreply@example.org`, or `Our server <noreply@example.org>`. */
  readonly from: string
  /** A file of certificate authorities besides the system's. */
  readonly caFile?: string | undefined
  readonly clock: Clock
}

/** For everything, from waiting for a connection to the server's last word. */
const TIMEOUT_MS = 60_000
const STEP_TIMEOUT_MS = 20_000
const CONNECTIONS = 2
/** So many messages may wait; more than that is a flood, and its senders hear it. */
const MAX_PENDING = 500

/** Loaded with the first message: most servers send none, and it takes 8 MB. */
const loadNodemailer = () => import('nodemailer')

/** Opens the way to a mail server; connections are made when there is something to send. */
export const openMailer = (options: MailerOptions): Mailer => {
  const { clock } = options
  const from = parseMailbox(options.from)
  if (from === undefined) throw new TypeError(`"${options.from}" is no sender of e-mail`)
  const connection = connectionOf(options)
  const open = async () =>
    (await loadNodemailer()).createTransport({ ...connection, pool: true, maxConnections: CONNECTIONS })
  let opened: ReturnType<typeof open> | undefined
  let pending = 0
  return {
    send: async mail => {
      const message = composed(mail)
      if (pending >= MAX_PENDING) throw new MailError('busy', `${pending} messages wait for the mail server`)
      pending += 1
      opened ??= open()
      try {
        const transport = await opened
        await withDeadline(clock, TIMEOUT_MS, undefined, signal =>
          transport.sendMail({ ...message, from: { name: from.name, address: from.address }, signal }),
        )
      } catch (error) {
        throw toMailError(error)
      } finally {
        pending -= 1
      }
    },
    close: async () => (await opened)?.close(),
  }
}

/**
 * Connects to a mail server and logs in, as sending would, and sends nothing.
 * @param timeoutMs how long to wait for each answer
 * @throws {MailError}
 */
export const probeMailServer = async (options: MailerOptions, timeoutMs = STEP_TIMEOUT_MS): Promise<void> => {
  const { createTransport } = await loadNodemailer()
  const transport = createTransport(connectionOf(options, timeoutMs))
  try {
    await transport.verify()
  } catch (error) {
    throw toMailError(error)
  } finally {
    transport.close()
  }
}

const connectionOf = (
  { host, port, tls, user, password, caFile }: MailerOptions,
  timeoutMs = STEP_TIMEOUT_MS,
) => {
  const secureContext =
    tls === 'none' ? undefined : trustedRoots(caFile === undefined ? undefined : readFileSync(caFile, 'utf8'))
  return {
    host,
    port: port ?? (tls === 'implicit' ? 465 : 587),
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(secureContext === undefined ? {} : { tls: { secureContext } }),
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A message is data: nothing in it makes us open a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** A header's name (RFC 5322, 3.6.8), and what would end its line. */
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]*$/
const CONTROLS = /[\p{Cc}\u2028\u2029]/u

const lineOf = (text: string, what: string): string => {
  if (CONTROLS.test(text)) throw new MailError('invalid', `${what} has control characters`)
  return text.toWellFormed()
}

/** The message as nodemailer takes it, if it can only be read as the one that was meant. */
const composed = (mail: Mail) => {
  const to = parseMailbox(mail.to)
  if (to === undefined || to.address !== mail.to) throw new MailError('invalid', 'that is no e-mail address')
  const headers = Object.entries(mail.headers ?? {}).map(([name, value]) => {
    if (!HEADER_NAME.test(name)) throw new MailError('invalid', `${name} is no name of a header`)
    return [name, lineOf(value, name)] as const
  })
  return {
    to: { name: '', address: to.address },
    // Names of rooms and of people have line breaks at times.
    subject: mail.subject
      .toWellFormed()
      .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .trim(),
    text: mail.text.toWellFormed(),
    ...(mail.html === undefined ? {} : { html: mail.html.toWellFormed() }),
    // RFC 3834, 5: keeps programs that answer by themselves from answering.
    headers: Object.fromEntries([['Auto-Submitted', 'auto-generated'] as const, ...headers]),
    alternatives: (mail.alternatives ?? []).map(({ contentType, content }) => ({
      contentType: lineOf(contentType, 'the type of an alternative'),
      content: content.toWellFormed(),
    })),
    attachments: (mail.attachments ?? []).map(({ filename, contentType, content }) => ({
      filename: lineOf(filename, 'the name of an attachment'),
      contentType: lineOf(contentType, 'the type of an attachment'),
      content: content.toWellFormed(),
    })),
  }
}

const toMailError = (error: unknown): MailError => {
  const { code, responseCode, message } = error as { code?: string; responseCode?: number; message?: string }
  const options = { cause: error }
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    // RFC 5321, 4.2.1: replies of 5yz are permanent, those of 4yz are not.
    const permanent = responseCode !== undefined && responseCode >= 500
    return new MailError('refused', `the mail server refused the message: ${message}`, {
      ...options,
      permanent,
    })
  }
  // Nobody but the deadline aborts.
  if (code === 'ETIMEDOUT' || code === 'EABORT')
    return new MailError('timeout', 'the mail server did not answer in time', options)
  return new MailError('unreachable', `the mail server cannot be used: ${message ?? code}`, options)
}
