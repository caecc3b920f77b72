import type { Schema } from '../schema-types.ts'
import { listener } from './listener.ts'
import { duration } from './units.ts'

/** Who this server is, where it listens and where it keeps its things. */
export const serverOptions = {
  server_name: {
    type: 'string',
    format: 'server-name',
    default: 'localhost',
    description:
      'The name of this server: the part after the colon in `@alice:example.org`. It need not be the name of the machine. It can never be changed once the server has users or rooms, so the first start notes it in the data directory and a start under another name is refused.',
    examples: ['example.org', 'matrix.example.org:8448'],
  },
  listeners: {
    type: 'array',
    minItems: 1,
    items: listener,
    default: [{ host: '127.0.0.1', port: 8008 }],
    description: 'The addresses to listen on.',
    examples: [
      [
        { host: '127.0.0.1', port: 8008, trusted_proxies: ['127.0.0.1'] },
        { host: '0.0.0.0', port: 8448, tls: { certificate: 'fullchain.pem', key: 'privkey.pem' } },
      ],
    ],
  },
  public_base_url: {
    type: 'string',
    format: 'base-url',
    'x-optional': true,
    description:
      'The address under which clients reach this server from outside. Published in `/.well-known/matrix/client` and used in links. If it is not set, links point to the first listener and nothing is published.',
    examples: ['https://matrix.example.org'],
  },
  well_known: {
    type: 'object',
    description: 'What this server publishes about itself under `/.well-known/matrix/`.',
    properties: {
      federation_server: {
        type: 'string',
        format: 'server-name',
        'x-optional': true,
        description:
          'Where other servers find this one (`m.server` in `/.well-known/matrix/server`), if that is not port 8448 of the server name.',
        examples: ['matrix.example.org:443'],
      },
      policy_server_key: {
        type: 'string',
        format: 'ed25519-key',
        'x-optional': true,
        description:
          'The key of the policy server that goes by this server\u2019s name (unpadded base64), if you run one in front of `/_matrix/policy/`. Published in `/.well-known/matrix/policy_server`, from which clients fill in `m.room.policy`.',
        examples: ['6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s'],
      },
      client_extra: {
        type: 'object',
        additionalProperties: true,
        default: {},
        description: 'Further members for `/.well-known/matrix/client`, copied as they are.',
        examples: [{ 'm.identity_server': { base_url: 'https://identity.example.org' } }],
      },
    },
  },
  support: {
    type: 'object',
    description: 'Whom to ask about this server, published in `/.well-known/matrix/support`.',
    properties: {
      contacts: {
        type: 'array',
        default: [],
        description: 'The people in charge.',
        items: {
          type: 'object',
          description: 'One contact: an e-mail address, a Matrix ID, or both.',
          properties: {
            role: {
              type: 'string',
              default: 'm.role.admin',
              description: '`m.role.admin`, `m.role.security`, or a role of your own in the same style.',
            },
            email_address: { type: 'string', 'x-optional': true, description: 'An e-mail address.' },
            matrix_id: { type: 'string', format: 'user-id', 'x-optional': true, description: 'A Matrix ID.' },
          },
        },
        examples: [
          [{ role: 'm.role.admin', email_address: 'admin@example.org', matrix_id: '@admin:example.org' }],
        ],
      },
      page: {
        type: 'string',
        format: 'base-url',
        'x-optional': true,
        description: 'A page with help for the users of this server.',
        examples: ['https://example.org/help'],
      },
    },
  },
  data_directory: {
    type: 'string',
    format: 'path',
    'x-path': true,
    'x-env': 'TESSERA_DATA',
    default: 'data',
    description:
      'Where this server keeps what it must not lose: its signing key, the SQLite database, uploaded files.',
    examples: ['/var/lib/tessera'],
  },
  signing_key_file: {
    type: 'string',
    format: 'path',
    'x-path': true,
    'x-optional': true,
    description:
      'The key that signs for this server, one line `ed25519 a_AbCd <seed>` as Synapse writes it. By default `signing.key` in the data directory, made at the first start. Whoever has this file can speak for the server; losing it cuts the server off from the rooms of others.',
    examples: ['/etc/tessera/signing.key'],
  },
  retired_signing_keys: {
    type: 'object',
    additionalProperties: {
      type: 'object',
      description: 'One key.',
      properties: {
        public_key: {
          type: 'string',
          format: 'ed25519-key',
          description: 'Its public half, in unpadded base64.',
        },
        expired: { type: 'string', format: 'instant', description: 'When it was used for the last time.' },
      },
    },
    default: {},
    description:
      'Keys by which this server signed before and does not any more, by their IDs. Others need them to check what is older (Synapse has them as `old_signing_keys`).',
    examples: [
      {
        'ed25519:a_old': {
          public_key: '6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s',
          expired: '2024-09-01T00:00:00Z',
        },
      },
    ],
  },
  ca_file: {
    type: 'string',
    format: 'path',
    'x-path': true,
    'x-optional': true,
    description:
      'PEM file with certificate authorities that are trusted in outgoing connections, beside the usual ones. For test networks and company-internal authorities.',
    examples: ['/etc/ssl/our-authority.pem'],
  },
  outbound_proxy: {
    type: 'object',
    description:
      'An HTTP proxy through which this server reaches the outside: other servers, push gateways, identity servers, application services, web pages, an S3 store. E-mail goes to its mail server directly. See docs/running.md.',
    properties: {
      url: {
        type: 'string',
        format: 'proxy-url',
        'x-optional': true,
        'x-secret': true,
        'x-fallback-env': 'HTTPS_PROXY',
        description:
          'Where it is, with user and password if it asks for them. It has to let `CONNECT` through to the ports that are used, 443 and 8448 above all. Not set: connections are direct.',
        examples: ['http://proxy.example.org:3128', 'https://user:password@proxy.example.org'],
      },
      bypass: {
        type: 'array',
        items: { type: 'string', format: 'proxy-exception', description: 'A name, an address or a network.' },
        default: [],
        'x-fallback-env': 'NO_PROXY',
        description:
          'Who is connected to directly: names, each with all below it, addresses, networks; a name with a port counts for that port alone. Addresses count for hosts whose address is known here. This machine, and names without a dot, always are.',
        examples: [['example.org', '10.0.0.0/8']],
      },
      resolve_names: {
        type: 'string',
        enum: ['proxy', 'here'],
        default: 'proxy',
        description:
          '`proxy`: the proxy finds the addresses of names, as networks without a DNS for the outside need it. The lists of addresses, such as `federation.deny_addresses`, then hold only for addresses that are written out: it is for the proxy not to lead into your network. `here`: this server finds and checks them, and asks the proxy for a connection to the address.',
      },
    },
  },
  database: {
    type: 'object',
    description: 'Where everything is stored.',
    properties: {
      url: {
        type: 'string',
        format: 'database-url',
        default: 'sqlite:homeserver.db',
        'x-secret': true,
        description:
          '`sqlite:` followed by a file (relative to the data directory), or the URL of a PostgreSQL database; docs/running.md says how that is made, and reached across a network.',
        examples: ['sqlite:homeserver.db', 'postgres://tessera:password@localhost/tessera'],
      },
      max_connections: {
        type: 'integer',
        minimum: 2,
        maximum: 1000,
        default: 10,
        description: 'Most connections to PostgreSQL at a time.',
      },
      lease: {
        ...duration,
        minimum: 100,
        default: '30s',
        description:
          'Of several processes on one PostgreSQL database each task that one alone may do is done by whoever holds its lease. After a long pause, or when its machine is gone, others take over when so much time has passed; when it is killed, after some seconds.',
      },
    },
  },
} as const satisfies Record<string, Schema>
