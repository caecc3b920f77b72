import type { Schema } from '../schema-types.ts'
import { ruleForRooms } from './room-rules.ts'

/** What people see of each other and of rooms. */
export const peopleOptions = {
  user_directory: {
    type: 'object',
    description:
      'Whom users find by name. In any case those with whom they share a room, or who are in an open one.',
    properties: {
      enabled: { type: 'boolean', default: true, description: 'Whether they find anybody.' },
      all_users: {
        type: 'boolean',
        default: false,
        description:
          'Whether they find all users of this server, also those whom they share no room with; users of application services aside.',
      },
      remote_users: {
        type: 'boolean',
        default: true,
        description: 'Whether they find users of other servers, too.',
      },
    },
  },
  room_directory: {
    type: 'object',
    description: 'The list of public rooms.',
    properties: {
      enabled: { type: 'boolean', default: true, description: 'Whether there is one.' },
      over_federation: {
        type: 'boolean',
        default: true,
        description: 'Whether other servers may read it.',
      },
      without_account: {
        type: 'boolean',
        default: true,
        description: 'Whether it is shown to those who do not say who they are.',
      },
      alias_rules: {
        type: 'array',
        items: ruleForRooms,
        default: [],
        description:
          'Who may make which aliases. The first rule that fits decides, and what fits none is refused; without rules everything is allowed, and to administrators in any case. A room that is just being created has no ID that a rule could name.',
        examples: [
          [
            { action: 'deny', alias: '#support*:example.org' },
            { action: 'allow', user: '@*:example.org' },
          ],
        ],
      },
      publication_rules: {
        type: 'array',
        items: ruleForRooms,
        default: [],
        description:
          'Who may list which rooms, likewise; `alias` is one of the aliases that the room has here.',
        examples: [[{ action: 'allow', user: '@team-*:example.org' }]],
      },
    },
  },
  profiles: {
    type: 'object',
    description: 'Names and pictures of users.',
    properties: {
      visible_to: {
        type: 'string',
        enum: ['anybody', 'users', 'rooms'],
        default: 'anybody',
        description:
          'Who may look up a profile by its user ID: anybody, whoever is signed in here, or those who share a room with its owner or find them in one that is open to everybody. Administrators and application services may in any case.',
      },
      over_federation: {
        type: 'boolean',
        default: true,
        description:
          'Whether other servers may look profiles up. Names and pictures that members of a room show there are told with the room in any case.',
      },
      fixed_fields: {
        type: 'array',
        items: { type: 'string', format: 'not-empty', description: 'The name of a field.' },
        default: [],
        description:
          'Fields of their profile that users cannot change; administrators and application services can.',
        examples: [['displayname', 'avatar_url']],
      },
    },
  },
} as const satisfies Record<string, Schema>
