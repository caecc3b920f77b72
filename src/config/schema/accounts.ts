import type { Schema } from '../schema-types.ts'
import { duration, size } from './units.ts'

/** Who may have an account, and how it is protected. */
export const accountOptions = {
  registration: {
    type: 'object',
    description: 'Who may make an account.',
    properties: {
      mode: {
        type: 'string',
        enum: ['closed', 'token', 'open'],
        default: 'closed',
        description:
          '`closed`: only administrators make accounts (`tessera user create`). `token`: whoever has a registration token (`tessera token create`). `open`: everybody who can reach this server, spammers included.',
      },
      shared_secret: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        'x-secret': true,
        description:
          'Lets whoever knows it make accounts through `/_synapse/admin/v1/register`, as the tool `register_new_matrix_user` does. Not set: that way is closed.',
        examples: ['a long random text'],
      },
      email: {
        type: 'string',
        enum: ['off', 'optional', 'required'],
        default: 'optional',
        description:
          'Whether new users show that they have an e-mail address, which they then can log in with and reset their password by. `required` needs a mail server (`email.host`); without one, `optional` is `off`.',
      },
      forbidden_names: {
        type: 'array',
        items: { type: 'string', format: 'not-empty', description: 'What comes before the colon.' },
        default: [],
        description:
          'User names that nobody can register. `*` stands for any number of characters, `?` for one. Administrators can make such accounts.',
        examples: [['admin*', 'support', 'root']],
      },
      join_rooms: {
        type: 'array',
        items: { type: 'string', format: 'room', description: 'A room.' },
        default: [],
        description:
          'Rooms that new users find themselves in, by alias or ID. They must be there, and open to everybody. Guests and users of application services are not brought in.',
        examples: [['#welcome:example.org']],
      },
      terms: {
        type: 'object',
        default: {},
        description:
          'Documents that new users have to accept: a name of your own for each, its version, and its title and address in one or more languages.',
        additionalProperties: {
          type: 'object',
          description: 'One document.',
          properties: {
            version: { type: 'string', format: 'not-empty', description: 'Its version.' },
            languages: {
              type: 'object',
              default: {},
              description: 'Where it can be read, by language (such as `en`).',
              additionalProperties: {
                type: 'object',
                description: 'The document in one language.',
                properties: {
                  name: { type: 'string', format: 'not-empty', description: 'Its title.' },
                  url: { type: 'string', format: 'base-url', description: 'Its address.' },
                },
              },
            },
          },
        },
        examples: [
          {
            terms_of_service: {
              version: '1.0',
              languages: { en: { name: 'Terms of service', url: 'https://example.org/terms.html' } },
            },
          },
        ],
      },
    },
  },
  guests: {
    type: 'object',
    description: 'Visitors without an account.',
    properties: {
      enabled: {
        type: 'boolean',
        default: false,
        description: 'Whether visitors may look into the rooms that admit guests.',
      },
    },
  },
  passwords: {
    type: 'object',
    description: 'Passwords.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description:
          'Whether people can sign in with a password of this server. Off: only with one of `sign_in.providers`, which must be there, and registration must be closed but for what they allow.',
      },
      min_length: {
        type: 'integer',
        minimum: 1,
        maximum: 512,
        default: 8,
        description: 'The fewest characters of a new password.',
      },
      bcrypt_pepper: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        'x-secret': true,
        description:
          'For accounts that were imported from Synapse: its `password_config.pepper`. Passwords of such accounts are wrong without it until their owners have logged in once.',
        examples: ['the same text as there'],
      },
      hashing: {
        type: 'object',
        description:
          'What checking a password costs (argon2id). Old hashes stay valid, and are renewed when their owner logs in.',
        properties: {
          memory: { ...size, default: '19M', description: 'Memory of one check.' },
          iterations: {
            type: 'integer',
            minimum: 1,
            maximum: 100,
            default: 2,
            description: 'Rounds over that memory.',
          },
          parallelism: {
            type: 'integer',
            minimum: 1,
            maximum: 16,
            default: 1,
            description: 'Threads of one check.',
          },
        },
      },
    },
  },
  sessions: {
    type: 'object',
    description: 'How long a login lasts.',
    properties: {
      access_token_lifetime: {
        ...duration,
        default: '1h',
        description: 'Of access tokens, for clients that can renew them by a refresh token.',
      },
      refresh_token_lifetime: {
        ...duration,
        default: '90d',
        description: 'Of refresh tokens that nobody uses.',
      },
      non_refreshable_lifetime: {
        ...duration,
        'x-optional': true,
        description: 'Of access tokens, for clients that cannot renew them. Not set: until they log out.',
        examples: ['30d'],
      },
      device_lifetime: {
        ...duration,
        'x-optional': true,
        description:
          'How long a device stays that nobody uses. Then it is logged out, and removed with its encryption keys, so that messages are no longer encrypted for it. Not set: for ever.',
        examples: ['365d'],
      },
      login_tokens: {
        type: 'boolean',
        default: true,
        description: 'Whether a client that is logged in may log in another one, as QR codes do.',
      },
    },
  },
  oauth: {
    type: 'object',
    description:
      'Signing in on the pages of this server (the OAuth 2.0 API), beside signing in within clients.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description:
          'Whether clients may send their users to the pages of this server to sign in, as Element X prefers; they then never see the password. Needs `public_base_url` without a path, unless the server is `localhost`. It brings `/account`, where people see and end their sessions, and `/link`, where they let devices in that have no browser. Off: clients sign people in by themselves, and sessions that were begun so end when they would be renewed.',
      },
      qr_codes: {
        type: 'string',
        enum: ['off', 'users', 'anyone'],
        default: 'users',
        description:
          'Who may begin signing a device in by a QR code (MSC4388, MSC4108): this server carries a few encrypted messages of five minutes at most between the two devices. `users`: a device that is signed in here shows the code. `anyone`: the new device may show it as well, and clients that speak the form of 2024 can do it, since they begin without saying who they are.',
      },
    },
  },
  application_services: {
    type: 'object',
    description: 'Bridges and bots that act for many users.',
    properties: {
      directory: {
        type: 'string',
        format: 'path',
        'x-path': true,
        'x-optional': true,
        description: 'The directory with their registration files (`*.yaml`).',
        examples: ['/etc/tessera/application-services'],
      },
    },
  },
} as const satisfies Record<string, Schema>
