import { playableMembers } from './files.ts'
import type { HtmlHead } from './html-head.ts'
import type { Embedded } from './oembed.ts'

/** What of a page's Open Graph members goes to clients as it is. */
const PASSED_ON = [
  'og:type',
  'og:site_name',
  'og:locale',
  'article:published_time',
  'article:author',
] as const

/**
 * What a page says of itself, and its site of it for embedding, which goes before it.
 *
 * @returns Open Graph members without those of the picture; `image`: the link to that, as it is written
 */
export const summaryOf = (
  { title: heading, metas }: HtmlHead,
  embedded: Embedded | undefined,
  url: URL,
): { members: Record<string, string>; image: string | undefined } => {
  const first = (...names: string[]) => names.map(name => metas.get(name)).find(text => text !== undefined)
  const title = embedded?.members['og:title'] ?? first('og:title', 'twitter:title') ?? heading
  const description = first('og:description', 'twitter:description', 'description')
  const image =
    embedded?.image ??
    first('og:image:secure_url', 'og:image', 'og:image:url', 'twitter:image', 'twitter:image:src')
  const passedOn = PASSED_ON.flatMap(name => {
    const text = metas.get(name)
    return text === undefined ? [] : [[name, text] as const]
  })
  const members = {
    ...Object.fromEntries(passedOn),
    ...playableMembers(metas, url),
    ...embedded?.members,
    ...(title === undefined ? {} : { 'og:title': title }),
    ...(description === undefined ? {} : { 'og:description': description }),
    ...(title === undefined && description === undefined ? {} : { 'og:url': url.href }),
  }
  return { members, image }
}
