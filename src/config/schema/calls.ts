import type { Schema } from '../schema-types.ts'
import { duration } from './units.ts'

/** What calls need: a relay between two people, and where more than two meet. */
export const callOptions = {
  rtc: {
    type: 'object',
    description: 'Where calls of several people (MatrixRTC, as Element Call has them) are carried.',
    properties: {
      livekit_service_urls: {
        type: 'array',
        items: {
          type: 'string',
          format: 'base-url',
          description: 'The address of an authorisation service.',
        },
        default: [],
        description:
          'The authorisation services of LiveKit servers (`lk-jwt-service`) that clients are told of, best first. None: calls of several people have nowhere to take place, unless the other side has such a server.',
        examples: [['https://rtc.example.org/livekit/jwt']],
      },
    },
  },
  turn: {
    type: 'object',
    description:
      'The TURN server that carries calls of clients that cannot reach each other, such as coturn. Without one, such calls do not come about.',
    properties: {
      uris: {
        type: 'array',
        items: { type: 'string', format: 'not-empty', description: 'An address, `turn:` or `turns:`.' },
        default: [],
        description: 'Its addresses, best first.',
        examples: [['turns:turn.example.org?transport=tcp', 'turn:turn.example.org?transport=udp']],
      },
      shared_secret: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        'x-secret': true,
        description:
          'The secret that it shares with this server (`static-auth-secret` of coturn): users get passwords of their own that expire.',
        examples: ['a long random text'],
      },
      username: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        description: 'The name that all users share, for a TURN server without a shared secret.',
        examples: ['calls'],
      },
      password: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        'x-secret': true,
        description: 'The password that goes with the name.',
        examples: ['a long random text'],
      },
      lifetime: {
        ...duration,
        default: '1d',
        description: 'How long users may use what they were given.',
      },
    },
  },
} as const satisfies Record<string, Schema>
