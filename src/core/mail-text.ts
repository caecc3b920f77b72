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

/**
 * Both renderings of a message. Links are URLs that the caller has made.
 *
 * @param lang the language it is in (BCP 47)
 */
export const mailText = (blocks: readonly MailBlock[], lang: string): { text: string; html: string } => ({
  text: `${blocks.map(asText).join('\n\n')}\n`,
  html: [
    `<!doctype html><html lang="${escapeHtml(lang)}"><head><meta charset="utf-8"></head>`,
    '<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">',
    ...blocks.map(asHtml),
    '</body></html>',
  ].join('\n'),
})

/** What moves or hides text: control and direction characters, and ends of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** What somebody wrote, as one line of at most so many characters, without what moves or hides text. */
export const oneLine = (text: string, limit: number): string => {
  const plain = text.toWellFormed().replaceAll(UNSEEN, ' ').trim()
  const characters = [...plain]
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : plain
}

/** The same, line by line. */
export const fewLines = (
  text: string,
  limits: { readonly lines: number; readonly length: number },
): string => {
  const lines = text.slice(0, limits.lines * limits.length * 2).split(/\r\n|\n|\r/)
  const shown = lines.slice(0, limits.lines).map(line => oneLine(line, limits.length))
  return [...shown, ...(lines.length > limits.lines ? ['…'] : [])].join('\n').trim()
}
