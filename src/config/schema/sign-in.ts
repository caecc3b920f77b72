import type { Schema } from '../schema-types.ts'

/** How people show who they are, beside the passwords of this server. */
export const signInOptions = {
  sign_in: {
    type: 'object',
    description: 'Signing in with accounts that people have elsewhere.',
    properties: {
      providers: {
        type: 'array',
        default: [],
        description:
          'OpenID Connect providers, such as Keycloak, Authentik, Entra ID, GitLab or Google, in the order in which they are offered. At each, register this server as a confidential web client with the redirect URI `public_base_url` followed by `/oauth2/callback`. Needs `oauth.enabled`.',
        items: {
          type: 'object',
          description: 'One provider.',
          properties: {
            id: {
              type: 'string',
              format: 'provider-id',
              description: 'A name for it that never changes: who has signed in with it is found by that.',
              examples: ['company'],
            },
            name: {
              type: 'string',
              format: 'not-empty',
              description: 'What people know it as.',
              examples: ['Example company'],
            },
            icon: {
              type: 'string',
              format: 'mxc-uri',
              'x-optional': true,
              description:
                'A picture that clients may show beside the name, uploaded to this server. Everybody can see it.',
              examples: ['mxc://example.org/abcdef'],
            },
            brand: {
              type: 'string',
              format: 'brand',
              'x-optional': true,
              description: 'A well-known brand whose button clients may show, such as `google` or `gitlab`.',
              examples: ['gitlab'],
            },
            issuer: {
              type: 'string',
              format: 'base-url',
              description:
                'Its address, exactly as the provider writes its issuer: `/.well-known/openid-configuration` is asked for below it.',
              examples: ['https://sso.example.org/realms/main'],
            },
            client_id: {
              type: 'string',
              format: 'not-empty',
              description: 'What this server is called there.',
              examples: ['tessera'],
            },
            client_secret: {
              type: 'string',
              format: 'not-empty',
              'x-optional': true,
              'x-secret': true,
              description: 'The secret that goes with it. Not set: a public client.',
              examples: ['a long random text'],
            },
            scopes: {
              type: 'array',
              items: { type: 'string', format: 'not-empty', description: 'A scope.' },
              default: ['openid', 'profile', 'email'],
              description: 'What is asked for; `openid` must be among it.',
              examples: [['openid', 'profile', 'email', 'groups']],
            },
            required_claims: {
              type: 'object',
              default: {},
              description:
                'What the provider must say of whoever signs in: claims and their values. Of a claim that is a list, the value must be in it.',
              additionalProperties: { type: 'string', format: 'not-empty', description: 'The value.' },
              examples: [{ groups: 'matrix', hd: 'example.org' }],
            },
            registration: {
              type: 'boolean',
              default: true,
              description:
                'Whether whoever signs in with it for the first time gets an account, whatever `registration.mode` says.',
            },
            link_by_name: {
              type: 'boolean',
              default: false,
              description:
                'Whether whoever signs in with it for the first time is let into the account that has the user name which the provider gives them, unless its owner has ended that at `/account`. Only for providers where nobody can choose that name.',
            },
            user_name: {
              type: 'string',
              default: '{preferred_username}',
              description:
                'The user name of new accounts, in which `{claim}` stands for what the provider says. What follows an `@` is left away. Empty: it says nothing.',
              examples: ['{given_name}.{family_name}', '{email}'],
            },
            choose_user_name: {
              type: 'string',
              enum: ['never', 'if_needed', 'always'],
              default: 'if_needed',
              description:
                'Whether new users choose their user name themselves. `if_needed`: where the provider says none, or one that is taken or has letters that user names cannot have. `never`: these are refused.',
            },
            display_name: {
              type: 'string',
              default: '{name}',
              description: 'The display name of new accounts, written in the same way.',
              examples: ['{given_name} {family_name}'],
            },
            email: {
              type: 'string',
              default: '{email}',
              description:
                'The e-mail address that new accounts get, unless another account has it, written in the same way. It counts if the provider says `email_verified`.',
            },
            picture: {
              type: 'string',
              default: '{picture}',
              description:
                'The address of the picture of new accounts, written in the same way. It is fetched once, under the limits of `previews`: by default from public addresses alone.',
            },
            trust_emails: {
              type: 'boolean',
              default: false,
              description:
                'Whether addresses count without `email_verified`: for providers that know them all to be right, and do not say so.',
            },
          },
        },
        examples: [
          [
            {
              id: 'company',
              name: 'Example company',
              issuer: 'https://sso.example.org/realms/main',
              client_id: 'tessera',
              client_secret: 'a long random text',
            },
          ],
        ],
      },
    },
  },
} as const satisfies Record<string, Schema>
