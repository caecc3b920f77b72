import { escapeHtml } from './escape-html.ts'

/**
 * Texts of e-mails, for people who read plain text and for people who read HTML, from one description: no template
 * language, and nothing that anybody wrote becomes markup.
 */

/** A piece of a message: a paragraph, or a link that stands alone. */
export type MailBlock = string | { readonly link: string; readonly label: string }

const asText = (block: MailBlock): string =>
  typeof block === 'string' ? block : `${block.label}:\n${block.link}`

const asHtml = (block: MailBlock): string =>
  typeof block === 'string'
    ? `<p>${escapeHtml(block).replaceAll('\n', '<br>')}</p>`
    : `<p><a href="${escapeHtml(block.link)}">${escapeHtml(block.label)}</a></p>`

/** Both renderings of a message. Links are URLs that the caller has made. */
export const mailText = (blocks: readonly MailBlock[]): { text: string; html: string } => ({
  text: `${blocks.map(asText).join('\n\n')}\n`,
  html: [
    '<!doctype html><html><head><meta charset="utf-8"></head>',
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">',
    ...blocks.map(asHtml),
    '</body></html>',
  ].join('\n'),
})
