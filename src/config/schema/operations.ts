import type { Schema } from '../schema-types.ts'
import { size } from './units.ts'

/** What the operator watches. */
export const operationOptions = {
  workers: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    default: 1,
    description:
      'How many identical processes serve, on the same ports; more than one need PostgreSQL. One for each core is plenty. See docs/scaling.md.',
  },
  logging: {
    type: 'object',
    description: 'The log, on standard output.',
    properties: {
      level: {
        type: 'string',
        enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        default: 'info',
        'x-reload': true,
        description: 'The least important lines that are written.',
      },
      format: {
        type: 'string',
        enum: ['auto', 'json', 'pretty'],
        default: 'auto',
        description:
          'One JSON object per line, or lines for people. `auto`: for people on a terminal, else JSON.',
      },
    },
  },
  web_page: {
    type: 'object',
    description: 'A small client at `/`, for trying the server out with a browser.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description:
          'Whether it is served; otherwise `/` says how to reach the server with a client of one’s own.',
      },
    },
  },
  admin_api: {
    type: 'object',
    description:
      'Administration over HTTP, as tools for Synapse speak it (`/_synapse/admin/`). See docs/admin-api.md.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description:
          'Whether it is served. Nothing in it is done without the access token of an administrator, and the log says what each has changed. Each listener can leave it out by itself.',
      },
    },
  },
  memory: {
    type: 'object',
    description: 'What the server keeps in memory of what the database has.',
    properties: {
      cache_budget: {
        ...size,
        'x-optional': true,
        description:
          'What all caches together may take; `/metrics` says what each does. Not set: a quarter of the memory of the machine (or container), from 32 MB to 384 MB. Each process has caches of its own.',
        examples: ['128M'],
      },
    },
  },
  metrics: {
    type: 'object',
    description: 'Figures for Prometheus, at `/metrics`.',
    properties: {
      enabled: { type: 'boolean', default: true, description: 'Whether they are served.' },
      allow_addresses: {
        type: 'array',
        items: { type: 'string', format: 'network', description: 'An address or a network.' },
        default: ['127.0.0.0/8', '::1/128'],
        description:
          'Who may read them. Whoever comes by way of a reverse proxy may not, unless that is one of the `trusted_proxies` of its listener, and says who they are.',
        examples: [['127.0.0.1', '10.1.2.3']],
      },
    },
  },
} as const satisfies Record<string, Schema>
