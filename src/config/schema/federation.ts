import type { Schema } from '../schema-types.ts'
import { duration } from './units.ts'

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
        items: {
          type: 'string',
          format: 'denied-network',
          description: 'An address, a network, or `non-public`.',
        },
        default: ['non-public'],
        description:
          'Addresses that are never connected to on behalf of others, checked after names are resolved, so that nobody can use this server to reach into your network. `non-public` is everything that is not on the public internet. An empty list allows everything, which is what servers that federate inside one private network need.',
        examples: [[], ['non-public', '203.0.113.7']],
      },
      allow_addresses: {
        type: 'array',
        items: { type: 'string', format: 'network', description: 'An address or a network.' },
        default: [],
        description: 'Exceptions to `deny_addresses`.',
        examples: [['10.1.0.0/16']],
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
          'Servers that are never talked to, even if they are allowed above. With the same wildcards; a name without a port is meant at any.',
        examples: [['evil.example.com', '*.spam.example']],
      },
      trusted_key_servers: {
        type: 'array',
        items: { type: 'string', format: 'server-name', description: 'A server name.' },
        default: [],
        description:
          'Servers that are asked for the keys of servers that are gone. They learn whom this server meets, and could vouch for wrong keys. The server through which a room is joined need not be here: it is asked for keys of that room alone.',
        examples: [['matrix.org']],
      },
      back_off: {
        type: 'object',
        description: 'How long to leave a server alone that does not answer.',
        properties: {
          min: {
            ...duration,
            default: '30s',
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
        additionalProperties: {
          type: 'array',
          description: 'Its addresses, best first.',
          items: { type: 'string', format: 'address', description: 'An address, or one with a port.' },
        },
        default: {},
        description:
          'Addresses of host names, in place of the DNS; one with a port is used instead of any other port. Certificates are still checked against the name. For tests, and for networks without DNS.',
        examples: [{ 'matrix.example.test': ['127.0.0.1:8449'] }],
      },
      share_device_names: {
        type: 'boolean',
        default: false,
        description:
          'Whether other servers learn the names of devices (“Alice’s phone”) along with their keys. Encryption works without.',
      },
    },
  },
} as const satisfies Record<string, Schema>
