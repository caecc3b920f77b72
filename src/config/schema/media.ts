import type { Schema } from '../schema-types.ts'
import { duration, size } from './units.ts'

/** Files. */
export const mediaOptions = {
  media: {
    type: 'object',
    description: 'Files that users share.',
    properties: {
      directory: {
        type: 'string',
        format: 'path',
        'x-path': true,
        'x-optional': true,
        description: 'Where they are kept. By default `media` in the data directory.',
        examples: ['/srv/tessera/media'],
      },
      store: {
        type: 'string',
        enum: ['directory', 's3'],
        default: 'directory',
        description:
          '`directory`: on the disk of this machine. `s3`: in an S3 store, as the options below say. `tessera media copy` takes files from one to the other.',
      },
      s3: {
        type: 'object',
        description: 'An S3 store of whatever make. Files are called by their content below the prefix.',
        properties: {
          endpoint: {
            type: 'string',
            format: 'base-url',
            'x-optional': true,
            description: 'Where it is found.',
            examples: ['https://s3.eu-central-1.amazonaws.com'],
          },
          region: { type: 'string', format: 'not-empty', default: 'us-east-1', description: 'Its region.' },
          bucket: {
            type: 'string',
            format: 'not-empty',
            'x-optional': true,
            description: 'The bucket, which has to be there.',
            examples: ['tessera-media'],
          },
          prefix: {
            type: 'string',
            default: '',
            description: 'What the names of all files in the bucket begin with.',
            examples: ['tessera/'],
          },
          access_key: {
            type: 'string',
            format: 'not-empty',
            'x-optional': true,
            description: 'The name of the key that may read, write and delete there.',
            examples: ['AKIA…'],
          },
          secret_key: {
            type: 'string',
            format: 'not-empty',
            'x-optional': true,
            'x-secret': true,
            description: 'The key itself.',
            examples: ['a long random text'],
          },
        },
      },
      max_upload_size: {
        ...size,
        default: '50M',
        description: 'The largest file a user may upload.',
      },
      user_quota: {
        ...size,
        'x-optional': true,
        description: 'How much all files of one user may take. By default any amount.',
        examples: ['5G'],
      },
      upload_limits: {
        type: 'array',
        items: {
          type: 'object',
          description: 'One limit.',
          properties: {
            within: { ...duration, description: 'In how much time.' },
            size: { ...size, description: 'How much.' },
          },
        },
        default: [],
        description:
          'How much one user may upload within a time; all of these hold. What is deleted meanwhile does not count.',
        examples: [
          [
            { within: '1h', size: '100M' },
            { within: '7d', size: '1G' },
          ],
        ],
      },
      max_pending_uploads: {
        type: 'integer',
        minimum: 1,
        default: 20,
        description: 'How many files a user may have announced (for asynchronous uploads) and not uploaded.',
      },
      pending_lifetime: {
        ...duration,
        default: '1d',
        description: 'How long an announced file may be uploaded.',
      },
      local_lifetime: {
        ...duration,
        'x-optional': true,
        description:
          'Files that were uploaded longer ago than this are deleted, however often they are still asked for, unless they are the picture of a user or a room, in a pack of stickers of a room, or in somebody’s account data. By default they are kept.',
        examples: ['365d'],
      },
      redacted_lifetime: {
        ...duration,
        default: '7d',
        description:
          'How long after a message was redacted its files are deleted, unless other events name them (messages, packs of stickers), somebody keeps them in their account data, they are the picture of a user or a room, or somebody has asked for them since. Files in encrypted messages are not known to the server, and stay; so does one that was forwarded into such a message as long as anybody has looked at it there by then.',
      },
      max_remote_size: {
        ...size,
        default: '100M',
        description: 'The largest file that is fetched from another server.',
      },
      remote_lifetime: {
        ...duration,
        default: '90d',
        description:
          'Copies of files of other servers are deleted when nobody has asked for them for so long.',
      },
      remote_cache_size: {
        ...size,
        default: '20G',
        description:
          'How much all copies of files of other servers may take. Those that were asked for least recently are deleted first.',
      },
      max_thumbnail_pixels: {
        type: 'integer',
        minimum: 1,
        default: 100_000_000,
        description:
          'The largest picture, in pixels, that thumbnails are made of. Half of that for those that are held in memory as a whole while they are decoded, with up to five bytes for each pixel: interlaced PNG, progressive JPEG, WebP that is lossless or transparent, GIF, AVIF, animations.',
      },
      deny_servers: {
        type: 'array',
        items: { type: 'string', format: 'server-pattern', description: 'A server name.' },
        default: [],
        description:
          'Servers whose files are neither fetched nor shown, with wildcards as in `federation.deny_servers`.',
        examples: [['evil.example.com', '*.spam.example']],
      },
      legacy_endpoints: {
        type: 'boolean',
        default: false,
        description:
          'Whether files may be downloaded without an access token, as clients did before Matrix 1.11.',
      },
      legacy_before: {
        type: 'string',
        format: 'instant',
        'x-optional': true,
        description:
          'If that is not so: files that were stored before this instant may be, all the same. For servers that have come to Tessera from another program.',
        examples: ['2024-09-01T00:00:00Z'],
      },
    },
  },
} as const satisfies Record<string, Schema>
