import type { Schema } from '../schema-types.ts'

const bucket = <const PerSecond extends number, const Burst extends number>(
  perSecond: PerSecond,
  burst: Burst,
  description: string,
) =>
  ({
    type: 'object',
    description,
    'x-reload': true,
    properties: {
      enabled: { type: 'boolean', default: true, 'x-reload': true, description: 'Whether it applies.' },
      per_second: {
        type: 'number',
        exclusiveMinimum: 0,
        default: perSecond,
        'x-reload': true,
        description: 'Requests per second that may go on for ever.',
      },
      burst: {
        type: 'integer',
        minimum: 1,
        default: burst,
        'x-reload': true,
        description: 'Requests that may come at once, after a pause.',
      },
    },
  }) as const

/** The limits by name, as `x-rate-limit` in the API documents names them. */
export const rateLimitOptions = {
  rate_limits: {
    type: 'object',
    description:
      'How many requests are answered before `M_LIMIT_EXCEEDED`: counted per account where there is one, per server in federation, else per address.',
    'x-reload': true,
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        'x-reload': true,
        description: 'The switch for all of them. Off is for tests and benchmarks.',
      },
      exempt_users: {
        type: 'array',
        items: { type: 'string', format: 'user-id', description: 'A user of this server.' },
        default: [],
        'x-reload': true,
        description: 'Users whose requests are not limited, such as bots that moderate.',
        examples: [['@moderator:example.org']],
      },
      buckets: {
        type: 'object',
        'x-reload': true,
        description: 'The limits by kind of request.',
        properties: {
          ip: bucket(
            100,
            500,
            'Everything that comes from one address, before anything else is looked at. Not counted is what users ask within their own limits, since many may share an address, and what application services ask.',
          ),
          login: bucket(0.2, 10, 'Logging in.'),
          'wrong-password': bucket(
            0.05,
            20,
            'Wrong passwords of one account, from whatever addresses: no crowd of them can guess it. Those of people who are signed in to it already, or come from where one of its devices was last in use, are counted apart, so that nobody is kept from their account by others.',
          ),
          register: bucket(0.2, 10, 'Making accounts.'),
          message: bucket(5, 50, 'Sending events: messages, state, redactions, kicks and bans.'),
          join: bucket(0.5, 20, 'Joining rooms and knocking.'),
          invite: bucket(0.5, 20, 'Inviting, in whatever way; also those with whom a room is made.'),
          'create-room': bucket(
            0.1,
            10,
            'Making and upgrading rooms. One that begins with state events counts once more for each 500 of them.',
          ),
          ephemeral: bucket(10, 100, 'Typing notices, receipts and presence.'),
          sync: bucket(
            30,
            300,
            'Asking for what is new, by all devices of a user: in busy rooms each does so several times a second. Asking for all there is, or for what is new since long ago, counts as 20 of these.',
          ),
          search: bucket(
            5,
            60,
            'Searching messages, users and rooms: clients do so at each letter that is typed.',
          ),
          oauth: bucket(
            2,
            30,
            'Clients that register, come for tokens and renew them, by the OAuth 2.0 API; people who go to a provider to sign in, and come back.',
          ),
          account: bucket(0.2, 20, 'Changing the password, devices and the account.'),
          keys: bucket(10, 200, 'Encryption keys and their backup.'),
          upload: bucket(5, 100, 'Uploading files: each picture of an album is two, with its preview.'),
          download: bucket(30, 300, 'Downloading files and thumbnails.'),
          preview: bucket(2, 20, 'Previews of links.'),
          'third-party-token': bucket(
            0.02,
            5,
            'Having messages sent to e-mail addresses and telephone numbers.',
          ),
          read: bucket(30, 300, 'Reading anything else.'),
          write: bucket(5, 100, 'Changing anything else.'),
          public: bucket(
            10,
            100,
            'What needs no account, such as the list of versions, renewing tokens, and waiting for the other device at a sign-in by QR code.',
          ),
          federation: bucket(50, 500, 'Requests of other servers.'),
          'federation-join': bucket(2, 50, 'Joins, leaves, knocks and invitations from other servers.'),
          'federation-state': bucket(
            50,
            1000,
            'States of rooms for other servers, in which events are counted: each 100 of them, or 1,000 of which only the IDs are asked for, and each request.',
          ),
          invited: bucket(
            0.05,
            50,
            'Invitations of one user by other servers, all of them together: no crowd of servers can bury anybody.',
          ),
          admin: bucket(100, 1000, 'Administration, by each administrator.'),
        },
      },
    },
  },
} as const satisfies Record<string, Schema>
