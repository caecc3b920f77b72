import type { Config } from '../config/schema/index.ts'
import type { Log } from '../core/log.ts'
import type { ListedUser } from '../storage/accounts/user-list.ts'
import type { UserFlag } from '../storage/accounts/user-writer.ts'
import type { ListedRoom as StoredRoom } from '../storage/rooms/room-list.ts'

/** A homeserver, as the command line drives it. */
export interface Server {
  /** Opens all listeners. Rejects with the system's error when one cannot be opened; none stays open then. */
  listen(): Promise<{ urls: string[] }>
  /**
   * Stops accepting, finishes what is under way, commits and closes everything. Where other processes serve on the same
   * ports, clients are sent to them without being refused.
   */
  close(options?: { readonly othersServe?: boolean }): Promise<void>
  /** Names this process among all that serve. */
  readonly id?: string
  /** Has what another process held taken over, which has died. */
  hasDied?(id: string): Promise<void>
  /** The metrics of this process. */
  figures?(): Promise<object>
  /** As long as there is no administrator; to be read after `listen`. */
  readonly firstStart?: FirstStart | undefined
  stats(): Promise<{ rooms: number; users: number }>
  /** Takes over the options that need no restart. */
  reconfigure?(config: Config): void
}

export interface FirstStart {
  /** The page where the first administrator is made, with its one-time token. */
  readonly setupUrl: string
  /** Such as `ed25519:a_AbCdEf`. */
  readonly signingKeyId: string
  readonly migrations: { readonly applied: number; readonly milliseconds: number }
}

/** Where files are kept. */
export type MediaStore = 'directory' | 's3'

export interface CopiedMedia {
  readonly files: number
  readonly bytes: number
  /** Content that is not where it should be. */
  readonly missing: number
}

export interface ListedMedia {
  /** `mxc://` */
  readonly uri: string
  readonly kind: string
  readonly userId: string | undefined
  readonly bytes: number
  readonly contentType: string
  /** Milliseconds since 1970. */
  readonly createdTs: number
}

/** What a purge takes away, or would. Files are those that nothing else shows; they are deleted if the settings say so. */
export interface PurgeSize {
  readonly events: number
  readonly bytes: number
  readonly files: number
  readonly fileBytes?: number
}

export type { ListedUser }

/** A room as it is listed. */
export type ListedRoom = Omit<StoredRoom, 'nid'>

/** What commands beside `serve` do to the database, while a server may be running on it. */
export interface CliServices {
  /** Makes an account. Without a password one is made up, and answered. Throws `MatrixError` if it is refused. */
  createUser(user: {
    readonly localpart: string
    readonly password?: string
    readonly admin: boolean
  }): Promise<{ readonly userId: string; readonly password?: string }>
  /** Makes a registration token; its text is made up unless given. */
  createRegistrationToken(token: {
    readonly uses?: number
    readonly expiresInMs?: number
    readonly token?: string
  }): Promise<{ readonly token: string }>
  /** All registration tokens, the oldest first. */
  registrationTokens(): Promise<
    readonly {
      readonly token: string
      readonly used: number
      readonly usesAllowed: number | undefined
      /** Milliseconds since 1970. */
      readonly expiresTs: number | undefined
    }[]
  >
  /** Deletes one. Throws `MatrixError` if there is none. */
  deleteRegistrationToken(token: string): Promise<void>
  /** Accounts, by their user IDs. What changes one throws `MatrixError` if there is none. */
  readonly users: {
    list(options: { readonly match?: string; readonly limit: number }): Promise<readonly ListedUser[]>
    find(userId: string): Promise<ListedUser | undefined>
    /** Answers the password, which is made up unless given. */
    setPassword(
      userId: string,
      options: { readonly password?: string; readonly endSessions: boolean },
    ): Promise<string>
    endSessions(userId: string): Promise<void>
    setFlag(userId: string, flag: UserFlag, value: boolean): Promise<void>
    deactivate(userId: string, options: { readonly erase: boolean }): Promise<void>
  }
  /** What users have reported, newest first. */
  reports(limit: number): Promise<
    readonly {
      /** Milliseconds since 1970. */
      readonly createdTs: number
      readonly reporter: string
      /** A user, a room, or an event and its room. */
      readonly about: string
      readonly reason: string | undefined
    }[]
  >
  /**
   * Stores a notice that the server delivers: to one user (by user ID), or to all. Answers how many users get it.
   * Throws `MatrixError` if it is refused.
   */
  sendNotice(notice: { readonly userId?: string; readonly body: string }): Promise<number>
  /** Sets encryption right on a database that was put back from a backup; no server may run on it. */
  repairAfterRestore(): Promise<{
    readonly users: number
    readonly oneTimeKeys: number
    readonly remoteUsers: number
  }>
  /** What became of the files that users share. */
  readonly media: {
    /** What they come to, by kind: `upload`, `remote` (copies of others' files), `preview` (pictures of links). */
    usage(): Promise<readonly { readonly kind: string; readonly files: number; readonly bytes: number }[]>
    /** Deletes what is too old by the settings. */
    purge(options: {
      readonly dryRun: boolean
      /** In place of the setting. Milliseconds. */
      readonly remoteLifetime?: number
    }): Promise<{ readonly files: number; readonly bytes: number }>
    /** Copies the content of all files from one store to the other; is told now and then how far it is. */
    copy(from: MediaStore, to: MediaStore, onProgress: (copied: CopiedMedia) => void): Promise<CopiedMedia>
    /** The files of a user, or the largest of all, newest first. */
    list(options: { readonly userId?: string; readonly limit: number }): Promise<readonly ListedMedia[]>
    /** Hides a file and its likes, or no longer; answers how many. Throws `MatrixError` for what is no `mxc://` URI. */
    quarantine(uri: string, isHidden: boolean): Promise<number>
  }
  /** Rooms, by their IDs. What is purged is purged by the server, within a minute or when it starts. */
  readonly rooms: {
    /** The rooms with the most events. */
    list(limit: number): Promise<readonly ListedRoom[]>
    /** A room, by its ID or an alias of this server. */
    find(name: string): Promise<ListedRoom | undefined>
    /** What would go of a room: of before an instant (ms since 1970), or all of it. */
    estimate(roomId: string, before: number | undefined): Promise<PurgeSize>
    /** Rooms with messages whose lifetime is over, by their rules and the settings, and what would go of them. */
    expired(): AsyncIterable<{ readonly roomId: string; readonly before: number; readonly size: PurgeSize }>
    /** Has it purged; answers the name of the request. */
    purge(what: {
      readonly roomId: string
      readonly before: number | undefined
      readonly isForced: boolean
    }): Promise<string>
    /** What has become of a request; `undefined` while it is not done. */
    outcome(id: string): Promise<(PurgeSize & { readonly refusal: string | undefined }) | undefined>
  }
  close(): Promise<void>
}

export interface ServerOptions {
  readonly log: Log
  /** The metrics of all processes of the server, where there are several. */
  readonly figuresOfAll?: (() => Promise<readonly object[]>) | undefined
  /** Whether it makes the link for the first administrator, which replaces earlier ones. `true` if not given. */
  readonly invitesAdministrator?: boolean
}

/** What `src/server.ts` exports for the command line. Loaded only by the commands that need it. */
export interface ServerModule {
  /** Opens the database and builds the services. Throws `OperatorError`, `DatabaseTooNew`, `DatabaseUnavailable`. */
  createServer(config: Config, options: ServerOptions): Promise<Server>
  openCliServices(config: Config, log: Log): Promise<CliServices>
}
