import type { Schema } from '../schema-types.ts'
import { ruleForUsers } from './room-rules.ts'
import { duration } from './units.ts'

const level = (description: string) =>
  ({ type: 'integer', minimum: -1_000, maximum: 1_000, 'x-optional': true, description }) as const

const powerLevels = (description: string) =>
  ({
    type: 'object',
    description,
    properties: {
      users_default: level('What a user is worth who is not listed.'),
      events_default: level('What it takes to send messages and the like.'),
      state_default: level('What it takes to change the state of the room.'),
      invite: level('What it takes to invite.'),
      kick: level('What it takes to remove somebody.'),
      ban: level('What it takes to ban.'),
      redact: level('What it takes to redact what others have sent.'),
      events: {
        type: 'object',
        additionalProperties: {
          type: 'integer',
          minimum: -1_000,
          maximum: 1_000,
          description: 'What it takes to send it.',
        },
        default: {},
        description: 'By type of event. What is not named here stays as it is.',
        examples: [{ 'm.room.encryption': 50, 'org.matrix.msc3401.call.member': 0 }],
      },
    },
  }) as const satisfies Schema

/** Rooms and what goes on in them. */
export const roomOptions = {
  rooms: {
    type: 'object',
    description: 'New rooms.',
    properties: {
      default_version: {
        type: 'string',
        format: 'not-empty',
        default: '12',
        description: 'The room version of new rooms whose maker names none.',
      },
      creation_rules: {
        type: 'array',
        items: ruleForUsers,
        default: [],
        description:
          'Who may create rooms. The first rule that fits decides, and who fits none may not; without rules everybody may, and administrators in any case.',
        examples: [[{ action: 'allow', user: '@team-*:example.org' }]],
      },
      encrypted_by_default: {
        type: 'string',
        enum: ['none', 'private', 'all'],
        default: 'none',
        description:
          'Which new rooms are encrypted whose makers do not say: `private` are those of the presets `private_chat` and `trusted_private_chat`, `all` also public ones. Clients decide otherwise by an `m.room.encryption` of their own, or by `chat.tessera.encryption: cleartext`; spaces and server notices are not encrypted. Encryption cannot be switched off again, and bots and bridges have to know it.',
      },
      power_levels: {
        type: 'object',
        description:
          'The power levels that new rooms begin with, by preset, in place of those that the specification recommends. What clients ask for counts more.',
        properties: {
          private_chat: powerLevels('Rooms for those who are invited.'),
          trusted_private_chat: powerLevels(
            'Such rooms, in which the invited are worth as much as the maker.',
          ),
          public_chat: powerLevels('Rooms that are open to everybody.'),
        },
      },
      remove_abandoned: {
        type: 'boolean',
        default: true,
        description:
          'Whether rooms are removed that nobody here needs: everybody has left and forgotten them, nobody is invited, and no alias leads into them.',
      },
      remove_abandoned_after: {
        ...duration,
        default: '30d',
        description: 'How long such rooms are kept all the same.',
      },
      blocked: {
        type: 'array',
        items: { type: 'string', format: 'room-id', description: 'The ID of a room.' },
        default: [],
        description:
          'Rooms into which nobody of this server comes, nor can be invited. Who is in one stays; `tessera room purge --force` has them leave, and deletes what is here of it. Administrators can block more of them (`docs/admin-api.md`).',
        examples: [['!abcdef:example.net']],
      },
      reuse_direct_rooms: {
        type: 'boolean',
        default: false,
        description:
          'Whether a client that asks for a new direct room with somebody gets the one that the two already have.',
      },
    },
  },
  presence: {
    type: 'object',
    description: 'Who is online.',
    properties: {
      enabled: {
        type: 'boolean',
        default: true,
        description: 'Whether users see who is online. In large rooms it is costly.',
      },
      over_federation: {
        type: 'boolean',
        default: true,
        description:
          'Whether other servers are told of users here, as far as they share a small room with them.',
      },
    },
  },
  delayed_events: {
    type: 'object',
    description:
      'Events that clients tell the server to send later, unless they cancel or put them off before: what ends a call of somebody who was cut off.',
    properties: {
      max_delay: {
        ...duration,
        default: '1d',
        description: 'The longest delay.',
      },
      max_scheduled: {
        type: 'integer',
        minimum: 0,
        maximum: 1000,
        default: 100,
        description: 'How many a user may have waiting. 0 switches them off.',
      },
    },
  },
  retention: {
    type: 'object',
    description:
      'How long messages are kept. `tessera retention --dry-run` says what these settings would delete.',
    properties: {
      enabled: {
        type: 'boolean',
        default: false,
        description:
          'Whether messages are deleted for their age, hourly: where a room says so (`m.room.retention`), or `default_lifetime` does. State stays, and so does the last message of a room.',
      },
      default_lifetime: {
        ...duration,
        'x-optional': true,
        description: 'How long messages are kept in rooms that do not say. Not set: for good.',
        examples: ['365d'],
      },
      shortest_lifetime: {
        ...duration,
        default: '1d',
        description: 'No message is deleted sooner, whatever its room says.',
      },
      longest_lifetime: {
        ...duration,
        'x-optional': true,
        description:
          'A room that wants its messages kept for longer gets this. Not set: as long as it wants.',
        examples: ['730d'],
      },
    },
  },
  server_notices: {
    type: 'object',
    description: 'Messages of the administrators to users: `tessera notice` sends them.',
    properties: {
      localpart: {
        type: 'string',
        format: 'localpart',
        'x-optional': true,
        description:
          'The user who sends them; the account is made if it is not there. Not set: there are none.',
        examples: ['notices'],
      },
      display_name: {
        type: 'string',
        format: 'not-empty',
        default: 'Server notices',
        description: 'The name that this user shows.',
      },
      avatar_url: {
        type: 'string',
        format: 'mxc-uri',
        'x-optional': true,
        description: 'The picture of this user and of new rooms.',
        examples: ['mxc://example.org/abcdef'],
      },
      room_name: {
        type: 'string',
        format: 'not-empty',
        default: 'Server notices',
        description: 'The name of new rooms: each user gets one with their first notice.',
      },
    },
  },
} as const satisfies Record<string, Schema>
