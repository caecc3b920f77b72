/** Links to pictures, films and sounds: those that lead to the file itself, and those that a page names as its own. */
import { parseContentDisposition } from '../../../core/content-disposition.ts'
import { essenceOf } from '../../../core/media.ts'
import type { IncomingResponse } from '../../../network/http-client.ts'

type Members = Readonly<Record<string, string>>

/** More than this nobody shows. Characters. */
const MAX_NAME = 255

/** By what a file is called: the server's name for it, or the end of its path. */
export const fileTitle = ({ headers }: Pick<IncomingResponse, 'headers'>, url: URL): Members => {
  const disposition = headers['content-disposition']
  const named = disposition === undefined ? undefined : parseContentDisposition(disposition)?.fileName
  const name = (named ?? decoded(url.pathname.split('/').at(-1) ?? '')).replaceAll(/[\s\0]+/g, ' ').trim()
  return name === '' ? {} : { 'og:title': name.slice(0, MAX_NAME).toWellFormed() }
}

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** A film or sound, which stays where it is: Open Graph names it by its URL. `undefined` for other types. */
export const playableFile = (response: Pick<IncomingResponse, 'headers'>, url: URL): Members | undefined => {
  const type = essenceOf(response.headers['content-type'] ?? '')
  const [kind = ''] = type.split('/', 1)
  if (kind !== 'video' && kind !== 'audio') return undefined
  return {
    ...fileTitle(response, url),
    ...(kind === 'video' ? { 'og:type': 'video.other' } : {}),
    [`og:${kind}`]: url.href,
    [`og:${kind}:type`]: type,
  }
}

const LINKS = ['', ':url', ':secure_url']
const FACTS = [':type', ':width', ':height']

/** The films and sounds that a page names; links that lead to no web address are left out. */
export const playableMembers = (metas: ReadonlyMap<string, string>, page: URL): Members => {
  const members: Record<string, string> = {}
  for (const kind of ['og:video', 'og:audio']) {
    for (const name of LINKS.map(end => kind + end)) {
      const link = webLink(metas.get(name), page)
      if (link !== undefined) members[name] = link
    }
    if (!LINKS.some(end => members[kind + end] !== undefined)) continue
    for (const name of FACTS.map(end => kind + end)) {
      const fact = metas.get(name)
      if (fact !== undefined) members[name] = fact
    }
  }
  return members
}

const webLink = (link: string | undefined, page: URL): string | undefined => {
  const url = link === undefined ? null : URL.parse(link, page.href)
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : undefined
}
