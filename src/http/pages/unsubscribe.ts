import type { Clock } from '../../core/clock.ts'
import { MatrixError } from '../../core/errors.ts'
import { readBody } from '../body.ts'
import type { PageContext, Pages } from '../pages.ts'
import { html, sendPage } from './layout.ts'

/** What the page needs of who writes e-mails. */
export interface UnsubscribeService {
  /** The address that a link belongs to; `undefined` where it belongs to none (any more). */
  find(token: string): Promise<string | undefined>
  unsubscribe(token: string): Promise<string | undefined>
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
    const address = await service.find(token)
    if (address === undefined) return sendUnknown(context)
    sendPage(
      context,
      200,
      'No more e-mails',
      html`<h1>No more e-mails?</h1>
<p>We write to <code>${address}</code> about messages that you have missed.</p>
<form method="post" action="${path}?token=${encodeURIComponent(token)}">
<button autofocus>Stop that</button>
</form>`,
    )
  })
  pages.post(path, async context => {
    if (!context.is('application/x-www-form-urlencoded', 'multipart/form-data')) {
      throw new MatrixError('M_UNRECOGNIZED', 'A form is expected', { status: 415 })
    }
    await readBody(context.req, BODY_LIMIT, clock)
    const address = await service.unsubscribe(tokenOf(context))
    if (address === undefined) return sendUnknown(context)
    sendPage(
      context,
      200,
      'Done',
      html`<h1>Done</h1>
<p>We write to <code>${address}</code> about missed messages no more. You can switch it on again in your client.</p>`,
    )
  })
}

const tokenOf = (context: PageContext): string => {
  const { token } = context.query
  return typeof token === 'string' ? token : ''
}

const sendUnknown = (context: PageContext): void =>
  sendPage(
    context,
    404,
    'This link does not work',
    html`<h1>This link does not work</h1>
<p>Nobody is written to by it: it was used already, or was switched off in a client.</p>`,
  )
