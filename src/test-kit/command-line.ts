import { Readable } from 'node:stream'
import type { Cluster } from '../cli/cluster.ts'
import type { Host } from '../cli/host.ts'
import type { CliServices, ListedUser, Server, ServerModule } from '../cli/ports.ts'

type Signal = Parameters<Host['onSignal']>[0]

/** A process that is none: what a command writes and does can be looked at, and signals be sent to it. */
export interface FakeHost extends Host {
  /** Everything written so far. */
  readonly out: () => string
  readonly err: () => string
  readonly exits: readonly number[]
  readonly programs: readonly string[]
  signal(name: Signal): void
  /** Whether anything is done when this signal comes: what nobody takes would end a process. */
  isHeard(name: Signal): boolean
  crash(error: unknown): void
}

export interface FakeHostOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly module?: Partial<ServerModule>
  readonly cluster?: Cluster
}

export const createFakeHost = (cwd: string, options: FakeHostOptions = {}): FakeHost => {
  const [out, err]: [string[], string[]] = [[], []]
  const listeners = new Map<Signal, () => void>()
  const exits: number[] = []
  const programs: string[] = []
  let crashed: (error: unknown) => void = () => undefined
  return {
    env: options.env ?? {},
    cwd,
    stdout: { write: text => out.push(text) },
    stderr: { write: text => err.push(text) },
    stdin: Readable.from([options.input ?? '']),
    onSignal: (signal, listener) => void listeners.set(signal, listener),
    onCrash: listener => {
      crashed = listener
    },
    exit: code => void exits.push(code),
    run: async (program, args) => void programs.push([program, ...args].join(' ')),
    loadServer: async () => ({ ...unexpected, ...options.module }),
    out: () => out.join(''),
    err: () => err.join(''),
    exits,
    programs,
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
    signal: name => listeners.get(name)?.(),
    isHeard: name => listeners.has(name),
    crash: error => crashed(error),
  }
}

const unexpected: ServerModule = {
  createServer: () => Promise.reject(new Error('no server was expected')),
  openCliServices: () => Promise.reject(new Error('no services were expected')),
}

/** A server that does nothing, but says what is asked of it. */
export const fakeServer = (calls: string[], parts: Partial<Server> = {}): Server => ({
  listen: async () => {
    calls.push('listen')
    return { urls: ['http://127.0.0.1:8008'] }
  },
  close: async () => void calls.push('close'),
  stats: async () => ({ rooms: 3, users: 1 }),
  ...parts,
})

/** Services that answer what they are asked for. */
export const fakeServices = (calls: unknown[]): CliServices => ({
  createUser: async user => {
    calls.push(user)
    return {
      userId: `@${user.localpart}:localhost`,
      ...(user.password === undefined ? { password: 'made-up' } : {}),
    }
  },
  createRegistrationToken: async token => {
    calls.push(token)
    return { token: token.token ?? 'made-up' }
  },
  registrationTokens: async () => [{ token: 'tea', used: 2, usesAllowed: 3, expiresTs: 0 }],
  deleteRegistrationToken: async token => void calls.push(token),
  users: {
    list: async options => {
      calls.push(options)
      return [A_USER]
    },
    find: async userId => (userId === A_USER.userId ? A_USER : undefined),
    setPassword: async (userId, options) => {
      calls.push([userId, options])
      return options.password ?? 'made-up'
    },
    endSessions: async userId => void calls.push(userId),
    setFlag: async (...flag) => void calls.push(flag),
    deactivate: async (...wanted) => void calls.push(wanted),
  },
  reports: async () => [
    { createdTs: 0, reporter: '@a:localhost', about: '!r $e', reason: 'rude\nwords' },
    { createdTs: 0, reporter: '@a:localhost', about: '@b:localhost', reason: undefined },
  ],
  sendNotice: async notice => {
    calls.push(notice)
    return notice.userId === undefined ? 3 : 1
  },
  repairAfterRestore: async () => ({ users: 3, oneTimeKeys: 150, remoteUsers: 2 }),
  media: {
    usage: async () => [
      { kind: 'remote', files: 2, bytes: 1_536 },
      { kind: 'upload', files: 1, bytes: 3 },
    ],
    purge: async options => {
      calls.push(options)
      return { files: 4, bytes: 5_242_880 }
    },
    copy: async (from, to, onProgress) => {
      calls.push([from, to])
      onProgress({ files: 1, bytes: 1, missing: 0 })
      return { files: 3, bytes: 2_048, missing: 0 }
    },
    list: async options => {
      calls.push(options)
      const file = {
        kind: 'upload',
        userId: '@a:localhost',
        bytes: 2_048,
        contentType: 'image/png',
        createdTs: 0,
      }
      return [{ ...file, uri: 'mxc://localhost/abc' }]
    },
    quarantine: async (uri, isHidden) => {
      calls.push([uri, isHidden])
      return 2
    },
  },
  rooms: {
    list: async () => [A_ROOM],
    find: async name => (name === A_ROOM.roomId ? A_ROOM : undefined),
    estimate: async () => A_PURGE,
    expired: async function* () {
      yield { roomId: A_ROOM.roomId, before: 5, size: A_PURGE }
    },
    purge: async what => {
      calls.push(what)
      return 'request'
    },
    outcome: async () => ({ ...A_PURGE, refusal: undefined }),
  },
  close: async () => void calls.push('close'),
})

const A_USER: ListedUser = {
  ...{ userId: '@a:localhost', kind: 'user', displayName: 'Ann', devices: 1 },
  ...{ isAdmin: true, isLocked: false, isSuspended: true },
  ...{ lastSeenTs: 0, createdTs: 0, deactivatedTs: undefined },
}
const A_ROOM = {
  ...{ roomId: '!r', version: '12', name: 'Tea', members: 3, localMembers: 2 },
  ...{ localUsers: 3, events: 40 },
  ...{ creator: '@a:localhost', createdTs: 0 },
}
const A_PURGE = { events: 7, bytes: 2_048, files: 1, fileBytes: 1_024 }
