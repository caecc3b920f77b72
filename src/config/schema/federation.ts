import type { Schema } from '../schema-types.ts'
import { duration } from './units.ts'

/** Loopback, private, link-local, shared and documentation networks: nothing there is a server of someone else. */
export const PRIVATE_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  '64:ff9b::/96',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
] as const

const serverName = { type: 'string', format: 'server-pattern', description: 'A server name.' } as const

/** How this server talks to other servers. */
export const federationOptions = {
  federation: {
    type: 'object',
    description: 'How this server talks to others.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description:
          'Whether this server talks to other servers at all. If not, its rooms are for its own users.',
      },
      deny_addresses: {
        type: 'array',
        items: { type: 'string', format: 'network', description: 'An address or a network.' },
        default: [...PRIVATE_NETWORKS],
        description:
          'Addresses that are never connected to on behalf of others, checked after names are resolved, so that nobody can use this server to reach into your network. An empty list allows everything, which is what servers that federate inside one private network need.',
        examples: [[]],
      },
      allow_servers: {
        type: 'array',
        items: serverName,
        'x-optional': true,
        description:
          'If set, only these servers are talked to. `*` stands for any number of characters, `?` for one.',
        examples: [['partner.example.com', '*.example.org']],
      },
      deny_servers: {
        type: 'array',
        items: serverName,
        default: [],
        description:
          'Servers that are never talked to, even if they are allowed above. With the same wildcards.',
        examples: [['evil.example.com', '*.spam.example']],
      },
      trusted_key_servers: {
        type: 'array',
        items: { type: 'string', format: 'server-name', description: 'A server name.' },
        default: [],
        description:
          'Servers that are asked for the keys of servers that are gone. They learn whom this server meets, and could vouch for wrong keys.',
        examples: [['matrix.org']],
      },
      back_off: {
        type: 'object',
        description: 'How long to leave a server alone that does not answer.',
        properties: {
          min: {
            ...duration,
            default: '10s',
            description: 'The pause after the first failure. It doubles with each further one.',
          },
          max: { ...duration, default: '1d', description: 'The longest pause.' },
        },
      },
      request_timeout: {
        ...duration,
        default: '60s',
        description: 'How long to wait for the answer of another server.',
      },
      hosts: {
        type: 'object',
        additionalProperties: { type: 'string', format: 'host-port', description: 'Host and port.' },
        default: {},
        description:
          'Where to connect for a server name, in place of looking it up. Its certificate is still checked against its name. For tests and for servers without DNS.',
        examples: [{ 'example.test': '127.0.0.1:8449' }],
      },
      share_device_names: {
        type: 'boolean',
        default: false,
        'x-planned': true,
        description:
          'Whether other servers learn the names of devices (“Alice’s phone”) along with their keys. Encryption works without.',
      },
    },
  },
} as const satisfies Record<string, Schema>
