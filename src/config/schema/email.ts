import { MAIL_LANGUAGES } from '../../core/mail-words/index.ts'
import type { Schema } from '../schema-types.ts'
import { duration } from './units.ts'

/** How this server sends e-mail. */
export const emailOptions = {
  email: {
    type: 'object',
    description:
      'The mail server through which this server sends e-mail: to confirm addresses, to let people in who forgot their password, to tell them what they missed. Without a host it sends none.',
    properties: {
      host: {
        type: 'string',
        format: 'host',
        'x-optional': true,
        description: 'The mail server: a name or an IP address.',
        examples: ['smtp.example.org'],
      },
      port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        'x-optional': true,
        description: 'Its port. Not set: 465 if `tls` is `implicit`, else 587.',
        examples: [587, 465, 25],
      },
      tls: {
        type: 'string',
        enum: ['starttls', 'implicit', 'opportunistic', 'none'],
        default: 'starttls',
        description:
          '`starttls`: the connection is encrypted before anything is sent, or nothing is sent. `implicit`: it is encrypted from the first byte. `opportunistic`: it is encrypted if the mail server offers that. `none`: everything, the password included, travels in clear text, which is for a mail server on the same machine.',
      },
      user: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        description: 'The name to log in with. Not set: no login.',
        examples: ['tessera@example.org'],
      },
      password: {
        type: 'string',
        format: 'not-empty',
        'x-optional': true,
        'x-secret': true,
        description: 'The password that goes with the name.',
        examples: ['a long random text'],
      },
      from: {
        type: 'string',
        format: 'mailbox',
        'x-optional': true,
        description: 'The sender of what is sent: an address, alone or after a name. Needed with a host.',
        examples: ['Our server <noreply@example.org>', 'noreply@example.org'],
      },
      language: {
        type: 'string',
        enum: MAIL_LANGUAGES,
        default: 'en',
        description:
          'The language of e-mails, where nothing is known of who gets them. People whose client has asked for another of these are written to in that.',
      },
      allow_domains: {
        type: 'array',
        items: {
          type: 'string',
          format: 'server-pattern',
          description: 'A domain; `*` stands for any characters, `?` for one.',
        },
        'x-optional': true,
        description: 'If set, only addresses of these domains can be used with accounts.',
        examples: [['example.org', '*.example.org']],
      },
      missed_messages: {
        type: 'object',
        description: 'E-mails about missed messages, to people who have asked for them in their client.',
        properties: {
          delay: {
            ...duration,
            default: '10m',
            description: 'What is read within this time was not missed.',
          },
          interval: {
            ...duration,
            default: '1h',
            description:
              'The time between two e-mails to the same person. It becomes longer, up to a day, each time that nothing of the last one was read.',
          },
        },
      },
      reveal_accounts: {
        type: 'boolean',
        default: false,
        description:
          'Whether whoever asks is told at once that an address belongs to an account, or to none. If not, only the owner of the address is, by e-mail, so that nobody can find out who has an account here.',
      },
    },
  },
} as const satisfies Record<string, Schema>
