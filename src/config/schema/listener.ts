import type { Schema } from '../schema-types.ts'

/** Where this server listens. */
export const listener = {
  type: 'object',
  description:
    'One address to listen on. Every listener serves every API, but for that of administrators where it is switched off.',
  properties: {
    host: {
      type: 'string',
      format: 'host',
      default: '127.0.0.1',
      description:
        'The address to bind. `127.0.0.1` is reachable from this machine alone, which is right behind a reverse proxy; `0.0.0.0` and `::` listen on every interface.',
      examples: ['127.0.0.1', '::1', '0.0.0.0'],
      'x-env': 'HOST',
    },
    port: {
      type: 'integer',
      minimum: 0,
      maximum: 65535,
      default: 8008,
      description: 'The port to bind. 0 takes any free one.',
      examples: [8008, 8448, 443],
      'x-env': 'PORT',
    },
    socket: {
      type: 'string',
      format: 'path',
      'x-path': true,
      'x-optional': true,
      description:
        'A UNIX socket to listen on, in place of host and port. Whoever may open it is a reverse proxy of this machine, whose `X-Forwarded-For` is believed.',
      examples: ['/run/tessera/http.sock'],
    },
    socket_mode: {
      type: 'string',
      format: 'file-mode',
      default: '660',
      description:
        'Who may open the socket, as `chmod` has it: its owner and group, if nothing else is said.',
      examples: ['666'],
    },
    tls: {
      type: 'object',
      'x-optional': true,
      description:
        'Serve HTTPS. Without this section the listener speaks plain HTTP. Renewed files are taken up within an hour, and at once on SIGHUP.',
      properties: {
        certificate: {
          type: 'string',
          format: 'path',
          'x-path': true,
          description: 'PEM file with the certificate, followed by those of the authorities in between.',
          examples: ['/etc/letsencrypt/live/example.org/fullchain.pem'],
        },
        key: {
          type: 'string',
          format: 'path',
          'x-path': true,
          description: 'PEM file with the private key.',
          examples: ['/etc/letsencrypt/live/example.org/privkey.pem'],
        },
      },
    },
    trusted_proxies: {
      type: 'array',
      items: { type: 'string', format: 'network', description: 'An address or a network.' },
      default: [],
      description:
        'The reverse proxies whose `X-Forwarded-For` header is believed. Without it all clients behind a proxy share the rate limits of one, which is logged.',
      examples: [['127.0.0.1', '::1'], ['10.0.0.0/8']],
    },
    admin_api: {
      type: 'boolean',
      default: true,
      description:
        'Whether the administrators’ API is reached here. To have it on an address of its own, switch it off on all others.',
    },
  },
} as const satisfies Schema
