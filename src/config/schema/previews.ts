import type { Schema } from '../schema-types.ts'
import { duration, size } from './units.ts'

const host = {
  type: 'string',
  format: 'server-pattern',
  description: 'A host name, in which * and ? may stand for any characters.',
} as const

/** Previews of links. */
export const previewOptions = {
  previews: {
    type: 'object',
    description: 'Previews of links. This server fetches the page, so it learns which links are shared.',
    properties: {
      enabled: { type: 'boolean', default: false, description: 'Whether there are any.' },
      max_page_size: {
        ...size,
        default: '2M',
        description: 'How much of a page is read.',
      },
      max_image_size: {
        ...size,
        default: '10M',
        description: 'The largest picture that is fetched for a preview.',
      },
      timeout: {
        ...duration,
        default: '15s',
        description: 'How long a page, and then its picture, may take.',
      },
      lifetime: {
        ...duration,
        default: '1d',
        description: 'How long a preview is kept before the page is fetched anew.',
      },
      user_agent: {
        type: 'string',
        format: 'not-empty',
        default: 'Mozilla/5.0 (compatible; Tessera; link preview bot)',
        description:
          'What pages are told about who asks. Some show nothing to programs that they do not know.',
      },
      languages: {
        type: 'array',
        items: { type: 'string', format: 'language', description: 'A language.' },
        default: ['en'],
        description: 'The languages in which pages are asked for, best first; then in any other.',
        examples: [['de', 'en']],
      },
      allow_hosts: {
        type: 'array',
        items: host,
        'x-optional': true,
        description:
          'If set, only pages of these hosts are visited. `*` stands for any number of characters.',
        examples: [['example.org', '*.example.org']],
      },
      deny_hosts: {
        type: 'array',
        items: host,
        default: [],
        description: 'Hosts that are never visited, even if they are allowed above.',
        examples: [['intranet.example.org', '*.intranet.example.org']],
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
          'Addresses that are never visited, checked after names are resolved and on every redirect, so that nobody can look into your network with links.',
        examples: [['non-public', '203.0.113.7']],
      },
      allow_addresses: {
        type: 'array',
        items: { type: 'string', format: 'network', description: 'An address or a network.' },
        default: [],
        description: 'Exceptions to `deny_addresses`.',
        examples: [['10.1.0.0/16']],
      },
    },
  },
} as const satisfies Record<string, Schema>
