import type { Schema } from '../schema-types.ts'
import { duration } from './units.ts'

/** What waits for users. */
export const attentionOptions = {
  invitations: {
    type: 'object',
    description: 'Invitations to rooms.',
    properties: {
      max_sent: {
        type: 'integer',
        minimum: 1,
        default: 5_000,
        description: 'How many invitations of one user may be pending or scheduled at a time.',
      },
      max_received: {
        type: 'integer',
        minimum: 1,
        default: 20_000,
        description: 'How many invitations to one user may be pending at a time; further ones are refused.',
      },
      accept: {
        type: 'string',
        enum: ['none', 'direct', 'all'],
        default: 'none',
        description:
          'Which invitations of users of this server are accepted for them as they come: those to chats of two, or all. Those of users of application services, which answer by themselves, are not, nor those of people whom a user ignores.',
      },
      accept_from: {
        type: 'string',
        enum: ['anybody', 'local'],
        default: 'anybody',
        description:
          'Whose invitations are accepted so: those of everybody, or of users of this server alone.',
      },
      mail: {
        type: 'boolean',
        default: true,
        description:
          'Whether invitations are mailed, where mail is set up (`email`): to users with a confirmed address, and to people who are invited by their address.',
      },
      keep_history: {
        ...duration,
        default: '365d',
        description: 'How long both sides can look up what became of an invitation.',
      },
    },
  },
  push: {
    type: 'object',
    description: 'Notifications of phones, by way of the push gateways that apps name.',
    properties: {
      details: {
        type: 'string',
        enum: ['all', 'no_content', 'none'],
        default: 'all',
        description:
          'What gateways, and the providers behind them, learn of messages: what the app asks for (most ask for no more than the ID), all of that but the content, or never more than event, room and counts.',
      },
    },
  },
  notifications: {
    type: 'object',
    description: 'What waits for users to act: messages, mentions, answers to invitations and the like.',
    properties: {
      expiry: {
        ...duration,
        default: '30d',
        description: 'How long a notification waits. Invitations do as long as they are pending.',
      },
      max_per_user: {
        type: 'integer',
        minimum: 1,
        default: 500,
        description: 'How many wait for one user; beyond that the oldest messages are given up first.',
      },
    },
  },
} as const satisfies Record<string, Schema>
