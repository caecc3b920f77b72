import { stringify } from 'yaml'
import { valueAt, withValue } from '../merge.ts'
import { configSchema } from '../schema/index.ts'
import { validate } from '../validate.ts'
import { COUNTERPARTS, WITHOUT_NEED } from './counterparts.ts'
import { option, type SynapseSettings } from './settings.ts'

const HEAD = `# What homeserver.yaml of Synapse says, as far as it can be said here (docs/from-synapse.md): look through it before you use it.
`

/**
 * Settings of this server that say the same as Synapse's, as far as there are such, as YAML with comments. Whatever ours do not take is named, and
 * left out: what is proposed is always valid.
 */
export const proposedSettings = (settings: SynapseSettings): string => {
  const refused: string[] = []
  let tree: unknown = {}
  for (const { theirs, ours, as } of COUNTERPARTS) {
    const given = option(settings.tree, theirs.split('.'))
    if (given === undefined || given === null) continue
    const said = as === undefined ? given : as(given, settings.tree)
    if (said === undefined) continue
    const next = withValue(tree, ours.split('.'), said)
    if (validate(configSchema, next).length === 0) tree = next
    else refused.push(theirs)
  }
  const found = listenersOf(settings.tree)
  const listened = found.length === 0 ? tree : withValue(tree, ['listeners'], found)
  if (validate(configSchema, listened).length === 0) tree = listened
  else refused.push('listeners')
  return [HEAD, stringify(tree), ...comments(settings, refused)].join('')
}

/** The listeners of HTTP for clients and servers. */
const listenersOf = (tree: unknown): object[] => {
  const listeners = option(tree, ['listeners'])
  const [certificate, key] = [option(tree, ['tls_certificate_path']), option(tree, ['tls_private_key_path'])]
  if (!Array.isArray(listeners)) return []
  return listeners
    .filter(each => (option(each, ['type']) ?? 'http') === 'http' && Number.isInteger(option(each, ['port'])))
    .map(each => {
      const addresses = option(each, ['bind_addresses'])
      const bound = Array.isArray(addresses) ? addresses : [option(each, ['bind_address'])]
      // "::" listens for both sorts of addresses here.
      const host = bound.includes('::') ? '::' : bound.find(address => typeof address === 'string')
      return {
        ...(host === undefined || host === '' ? { host: '::' } : { host }),
        port: option(each, ['port']),
        ...(option(each, ['tls']) === true && certificate !== undefined ? { tls: { certificate, key } } : {}),
        ...(option(each, ['x_forwarded']) === true ? { trusted_proxies: ['127.0.0.1', '::1'] } : {}),
      }
    })
}

const comments = ({ tree }: SynapseSettings, refused: readonly string[]): string[] => {
  const known = new Set(COUNTERPARTS.map(({ theirs }) => theirs.split('.')[0] ?? ''))
  const others = Object.keys(tree).filter(name => !known.has(name) && !WITHOUT_NEED.has(name))
  const isOther = others.length > 0
  return [
    ...(refused.length === 0
      ? []
      : [`# Said in a way that is not possible here, and so left out: ${refused.join(', ')}\n`]),
    ...(isOther
      ? [`# Not looked at; docs/from-synapse.md says what there is for it: ${others.join(', ')}\n`]
      : []),
    ...(valueAt(tree, ['app_service_config_files']) === undefined
      ? []
      : ['# Put the registrations of bridges into one directory: application_services.directory\n']),
  ]
}
