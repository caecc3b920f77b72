/**
 * Reads what a page says of itself: its title and `<meta>` elements. It is no HTML parser: it only has to find those
 * tags outside of comments and scripts, in time that grows with the length of the page and no faster.
 */
import { decodeEntities } from './entities.ts'

export interface HtmlHead {
  readonly title: string | undefined
  /** By lower-case `property`, `name` or `itemprop`: the first that is not empty. */
  readonly metas: ReadonlyMap<string, string>
  /** Where the page is found in other forms (`<link rel="alternate">`), by lower-case type: the first of each. */
  readonly alternates: ReadonlyMap<string, string>
}

/** More than this nobody shows. Characters. */
const MAX_TEXT = 2_000
const MAX_METAS = 200
const MAX_LINKS = 200
const MAX_ATTRIBUTES = 20

/** Elements whose content is text to a browser, up to their end tag. */
const RAW = new Set(['script', 'style', 'noscript', 'template', 'textarea', 'svg', 'iframe', 'xmp'])

const TAG_NAME = /[a-zA-Z][a-zA-Z0-9-]{0,20}/y
/** White space or slashes, a name, and perhaps a value. */
const ATTRIBUTE =
  /[\s/]{0,1000}([^\s"'<>/=]{1,100})(?:\s{0,10}=\s{0,10}(?:"([^"]{0,10000})"|'([^']{0,10000})'|([^\s"'=<>`]{0,10000})))?/y

/** One line, as it is shown. */
const tidy = (text: string): string =>
  decodeEntities(text).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_TEXT).toWellFormed()

/** Reads the beginning of a page. */
export const readHead = (html: string): HtmlHead => {
  const metas = new Map<string, string>()
  const alternates = new Map<string, string>()
  let links = 0
  let title: string | undefined
  for (let at = html.indexOf('<'); at !== -1; at = html.indexOf('<', at)) {
    if (html.startsWith('<!--', at)) {
      at = after(html, '-->', at + 4)
      continue
    }
    TAG_NAME.lastIndex = at + 1
    const name = TAG_NAME.exec(html)?.[0].toLowerCase()
    if (name === undefined) {
      at += 1
      continue
    }
    at += 1 + name.length
    if (name === 'meta' && metas.size < MAX_METAS) at = readMeta(html, at, metas)
    else if (name === 'link' && links++ < MAX_LINKS) at = readLink(html, at, alternates)
    else if (name === 'title' && title === undefined) {
      const start = after(html, '>', at)
      const end = endTag(html, name, start)
      title = tidy(html.slice(start, end === -1 ? start + MAX_TEXT : end).slice(0, 2 * MAX_TEXT))
      at = end === -1 ? html.length : end + 1
    } else if (RAW.has(name)) {
      const end = endTag(html, name, at)
      at = end === -1 ? html.length : end + 1
    }
  }
  return { title: title === '' ? undefined : title, metas, alternates }
}

/** Where a mark ends; the end of the page where there is none. */
const after = (text: string, mark: string, from: number): number => {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found + mark.length
}

/** Where the end tag of an element begins, in whatever case; -1 where there is none. In lower case some texts are longer. */
const endTag = (html: string, name: string, from: number): number => {
  const tag = new RegExp(`</${name}`, 'gi')
  tag.lastIndex = from
  return tag.exec(html)?.index ?? -1
}

/** Reads the attributes of a tag, and where they end. Names are in lower case; the first of each name counts. */
const readAttributes = (
  html: string,
  from: number,
): { attributes: ReadonlyMap<string, string>; end: number } => {
  const attributes = new Map<string, string>()
  ATTRIBUTE.lastIndex = from
  let end = from
  for (let count = 0; count < MAX_ATTRIBUTES; count++) {
    const match = ATTRIBUTE.exec(html)
    if (match === null) break
    end = ATTRIBUTE.lastIndex
    const [, name = '', quoted, single, plain] = match
    const key = name.toLowerCase()
    if (!attributes.has(key)) attributes.set(key, quoted ?? single ?? plain ?? '')
  }
  return { attributes, end }
}

/** Reads a `<meta>`. Answers where its attributes end. */
const readMeta = (html: string, from: number, metas: Map<string, string>): number => {
  const { attributes, end } = readAttributes(html, from)
  const key = attributes.get('property') ?? attributes.get('name') ?? attributes.get('itemprop')
  const content = tidy((attributes.get('content') ?? '').slice(0, 4 * MAX_TEXT))
  const name = key?.trim().toLowerCase()
  if (name && content !== '' && !metas.has(name)) metas.set(name, content)
  return end
}

/** Reads a `<link>`. Answers where its attributes end. */
const readLink = (html: string, from: number, alternates: Map<string, string>): number => {
  const { attributes, end } = readAttributes(html, from)
  const relations = attributes.get('rel')?.toLowerCase().split(/\s+/) ?? []
  const type = attributes.get('type')?.trim().toLowerCase()
  const href = tidy(attributes.get('href') ?? '')
  if (relations.includes('alternate') && type && href !== '' && !alternates.has(type))
    alternates.set(type, href)
  return end
}
