import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AppService, type NamespaceRule, namespacePattern } from '../core/app-service.ts'
import { isCompliantUserId, serverNameOf } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { readingFailure } from './layer.ts'
import { OperatorError } from './operator-error.ts'
import { parseSettingsFile } from './settings-file.ts'

/**
 * Reads the registration files (`*.yaml`, `*.yml`) of a directory, in the order of their names (application-service
 * API, "Registration").
 *
 * @throws {OperatorError} naming the file and what is wrong with it: it cannot be read or is malformed, or two
 *   services share an ID, a token or a sender ("the homeserver MUST enforce this")
 */
export const readAppServices = (directory: string | undefined, serverName: string): AppService[] => {
  if (directory === undefined) return []
  const services = new Map<string, AppService>()
  for (const name of registrationFiles(directory)) {
    const service = readRegistration(join(directory, name), serverName)
    for (const [other, { id, asToken, senderId }] of services) {
      const shared =
        (id === service.id && 'id') ||
        (asToken === service.asToken && 'as_token') ||
        (senderId === service.senderId && 'sender_localpart')
      if (shared) throw new OperatorError(`${join(directory, name)}: ${shared} is the same as in ${other}.`)
    }
    services.set(name, service)
  }
  return [...services.values()]
}

const registrationFiles = (directory: string): string[] => {
  try {
    return readdirSync(directory)
      .filter(name => /\.ya?ml$/.test(name))
      .sort()
  } catch (error) {
    throw new OperatorError(
      `The directory of application services, ${directory}, cannot be read: ${readingFailure(error)}.`,
    )
  }
}

const readRegistration = (file: string, serverName: string): AppService => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new OperatorError(
      `The registration ${file} of an application service cannot be read: ${readingFailure(error)}.`,
    )
  }
  const parsed = parseSettingsFile(file, text)
  if ('errors' in parsed) throw new OperatorError(`${parsed.errors[0]}.`)
  const { tree, locate } = parsed
  const fail = (option: string, what: string): never => {
    throw new OperatorError(`${locate([option])}: ${option} ${what}.`)
  }
  return serviceOf(tree as JsonObject, serverName, fail)
}

type Fail = (option: string, what: string) => never

const serviceOf = (tree: JsonObject, serverName: string, fail: Fail): AppService => {
  const text = (option: string): string => {
    const value = tree[option]
    return typeof value === 'string' && value !== '' ? value : fail(option, 'must be a text')
  }
  const flag = (option: string, unset: boolean): boolean => {
    const value = tree[option] ?? unset
    return typeof value === 'boolean' ? value : fail(option, 'must be true or false')
  }
  const { namespaces, protocols = [] } = tree
  if (!isJsonObject(namespaces)) return fail('namespaces', 'must be a section with users, aliases and rooms')
  // Bridges in use make up names of capitals, too, outside of today's grammar, for a user that they never act as.
  const senderId = `@${text('sender_localpart')}:${serverName}`
  if (!isCompliantUserId(senderId) || serverNameOf(senderId) !== serverName) {
    fail('sender_localpart', 'must be the name that a user can have')
  }
  return {
    id: text('id'),
    url: urlOf(tree['url'], fail),
    asToken: text('as_token'),
    hsToken: text('hs_token'),
    senderId,
    users: rulesOf(namespaces, 'users', fail),
    aliases: rulesOf(namespaces, 'aliases', fail),
    rooms: rulesOf(namespaces, 'rooms', fail),
    isRateLimited: flag('rate_limited', true),
    receivesEphemeral: flag('receive_ephemeral', false) || flag('de.sorunome.msc2409.push_ephemeral', false),
    isEncrypting: flag('org.matrix.msc3202', false),
    protocols: Array.isArray(protocols)
      ? protocols.filter(protocol => typeof protocol === 'string')
      : fail('protocols', 'must be a list of texts'),
  }
}

const urlOf = (url: unknown, fail: Fail): string | undefined => {
  if (url === undefined || url === null || url === '') return undefined
  const parsed = typeof url === 'string' ? URL.parse(url) : null
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
    return fail('url', 'must be an http or https address, or null')
  }
  return parsed.href.replace(/\/+$/, '')
}

const rulesOf = (
  namespaces: JsonObject,
  kind: 'users' | 'aliases' | 'rooms',
  fail: Fail,
): NamespaceRule[] => {
  const rules = namespaces[kind] ?? []
  if (!Array.isArray(rules)) return fail('namespaces', `holds ${kind} that are not a list`)
  return rules.map(rule => {
    if (!isJsonObject(rule) || typeof rule['regex'] !== 'string') {
      return fail('namespaces', `holds one of ${kind} without a regex`)
    }
    try {
      return { isExclusive: rule['exclusive'] === true, pattern: namespacePattern(rule['regex']) }
    } catch (error) {
      return fail('namespaces', `holds a regex of ${kind} that is none (${(error as Error).message})`)
    }
  })
}
