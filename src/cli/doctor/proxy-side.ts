import { objectIn } from './federation-side.ts'
import { explain, type Finding, fail, ok, skip } from './finding.ts'
import type { World } from './world.ts'

/**
 * Whether what stands before our own server hands requests on as they were sent. Proxies like to change two things that clients and
 * the signatures of other servers depend on: the path, by decoding it, and the header that says who asks.
 */
export const checkProxy = async (
  world: Pick<World, 'getUrl'>,
  baseUrl: string,
  serverName: string,
): Promise<Finding> => {
  const subject = 'reverse proxy'
  const answerTo = async (path: string, headers: Readonly<Record<string, string>> = {}) =>
    objectIn(await world.getUrl(`${baseUrl.replace(/\/+$/, '')}/_matrix/client/v3${path}`, headers))?.[
      'errcode'
    ]
  try {
    const asked = await answerTo('/account/whoami', { authorization: 'Bearer of-nobody' })
    if (asked === 'M_MISSING_TOKEN') {
      const fix = 'Let the proxy pass it on: clients and other servers say by it who they are.'
      return fail(subject, 'takes the header Authorization out of requests', fix)
    }
    const alias = encodeURIComponent(`#doctor//:${serverName}`)
    if ((await answerTo(`/directory/room/${alias}`)) === 'M_UNRECOGNIZED') {
      return fail(
        subject,
        'decodes the path of requests, or merges slashes in it',
        'With nginx, write proxy_pass without a path, not even "/"; with Apache, "AllowEncodedSlashes NoDecode" and "nocanon".',
      )
    }
    return ok(subject, 'requests come as they were sent')
  } catch (error) {
    return skip(subject, explain(error))
  }
}
