import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import type { MailWords } from '../../core/mail-words/index.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { type Html, html, sendPage } from './layout.ts'

/** What the page needs of who writes e-mails. */
export interface UnsubscribeService {
  /** The address that a link belongs to, and in which language it is written to; `undefined` where it is none (any more). */
  find(token: string): Promise<Subscription | undefined>
  unsubscribe(token: string): Promise<Subscription | undefined>
  /** In which language people are told that a link is none. */
  readonly words: MailWords
}

/** Somebody who is written to. */
export interface Subscription {
  readonly address: string
  readonly words: MailWords
}

const BODY_LIMIT = 8_192

/**
 * Adds the page to which the link in e-mails about missed messages leads. Opening it ends nothing yet: programs that look
 * after mail open links as well. The button does, and so do mail programs by a POST to the link (RFC 8058).
 */
export const addUnsubscribePage = (
  pages: Pages,
  options: { service: UnsubscribeService; clock: Clock; path: string },
): void => {
  const { service, clock, path } = options
  pages.get(path, async context => {
    const token = tokenOf(context)
    const found = await service.find(token)
    if (found === undefined) return sendUnknown(context, service.words)
    const { lang, unsubscribing: say } = found.words
    const form = html`<form method="post" action="${path}?token=${encodeURIComponent(token)}">
<button autofocus>${say.stop}</button>
</form>`
    sendPage(context, 200, say.question, told(say.question, say.writing(found.address), form), { lang })
  })
  pages.post(path, async context => {
    if (!context.is('application/x-www-form-urlencoded', 'multipart/form-data')) {
      throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
    }
    await readBody(context.req, BODY_LIMIT, clock)
    const ended = await service.unsubscribe(tokenOf(context))
    if (ended === undefined) return sendUnknown(context, service.words)
    const { lang, unsubscribing: say } = ended.words
    sendPage(context, 200, say.done, told(say.done, say.ended(ended.address)), { lang })
  })
}

const tokenOf = (context: PageContext): string => {
  const { token } = context.query
  return typeof token === 'string' ? token : ''
}

const sendUnknown = (context: PageContext, { lang, unsubscribing: say }: MailWords): void =>
  sendPage(context, 404, say.unknownLink, told(say.unknownLink, say.unknown), { lang })

const told = (heading: string, text: string, more?: Html): Html => html`<h1>${heading}</h1>
<p>${text}</p>
${more}`
