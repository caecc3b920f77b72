import { parseServerName } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { OutboundResponse } from '../../network/http-client.ts'
import { objectIn } from './federation-side.ts'
import { explain, type Finding, fail, ok, skip, warn } from './finding.ts'
import type { World } from './world.ts'

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

/** Without this header no client that runs in a browser may read the response. */
const allowsBrowsers = ({ headers }: OutboundResponse): boolean =>
  headers['access-control-allow-origin'] === '*'

const CORS_FIX = 'Send the header "Access-Control-Allow-Origin: *" along, exactly once.'

/** `/.well-known/matrix/client`: what clients learn when a user types the server's name. */
export const checkClientWellKnown = async (
  world: World,
  serverName: string,
  configured: string | undefined,
): Promise<{ finding: Finding; baseUrl?: string }> => {
  const subject = 'client well-known'
  const name = parseServerName(serverName)
  if (name === undefined || name.kind !== 'dns')
    return { finding: skip(subject, `${serverName} is no DNS name`) }
  const url = `https://${name.host}/.well-known/matrix/client`
  const fix = `Serve {"m.homeserver": {"base_url": "${configured ?? `https://${name.host}`}"}} at ${url}.`
  try {
    const response = await world.getUrl(url)
    if (response.status === 404) {
      return { finding: warn(subject, 'there is none, so users must type the address of the server', fix) }
    }
    const homeserver = objectIn(response)?.['m.homeserver']
    const baseUrl = isJsonObject(homeserver) ? homeserver['base_url'] : undefined
    if (response.status !== 200 || typeof baseUrl !== 'string' || !URL.canParse(baseUrl)) {
      return { finding: fail(subject, `${url} answers ${response.status} without a valid base_url`, fix) }
    }
    if (!allowsBrowsers(response)) {
      return { finding: fail(subject, `clients in browsers may not read ${url}`, CORS_FIX), baseUrl }
    }
    if (configured !== undefined && withoutSlash(baseUrl) !== withoutSlash(configured)) {
      const message = `it says ${baseUrl}, but public_base_url is ${configured}`
      return { finding: warn(subject, message, 'Make both the same.'), baseUrl }
    }
    return { finding: ok(subject, baseUrl), baseUrl }
  } catch (error) {
    return { finding: warn(subject, `${url}: ${explain(error)}`, fix) }
  }
}

/** Whether clients reach the server at its public address, browsers included. */
export const checkClientApi = async (world: World, baseUrl: string | undefined): Promise<Finding> => {
  const subject = 'client API'
  if (baseUrl === undefined) return skip(subject, 'its address is not known: set public_base_url')
  const url = `${withoutSlash(baseUrl)}/_matrix/client/versions`
  try {
    const response = await world.getUrl(url)
    const versions = objectIn(response)?.['versions']
    if (response.status !== 200 || !Array.isArray(versions)) {
      const fix = 'Let the proxy pass everything below /_matrix on to the server.'
      return fail(subject, `${url} answers ${response.status} without a list of versions`, fix)
    }
    if (!allowsBrowsers(response)) return fail(subject, `clients in browsers may not read ${url}`, CORS_FIX)
    return ok(subject, `${url} answers, up to ${String(versions.at(-1))}`)
  } catch (error) {
    const fix = 'See that the server runs, and that the address is right and open in the firewall.'
    return fail(subject, `${url}: ${explain(error)}`, fix)
  }
}
