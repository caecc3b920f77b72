/**
 * What e-mails of this server say, in one language. Names and texts of people come in as plain text of one line each; nothing
 * here is markup (`core/mail-text.ts` escapes what it makes).
 */
export interface MailWords {
  /** What browsers and mail programs call the language (BCP 47). */
  readonly lang: string
  readonly digest: DigestWords
  readonly invitation: InvitationWords
  readonly confirmation: ConfirmationWords
  readonly unsubscribing: UnsubscribingWords
}

/** About missed messages. */
export interface DigestWords {
  missed(count: number, server: string): string
  subjectOfRooms(count: number, rooms: number): string
  subjectFrom(count: number, sender: string): string
  subjectIn(count: number, room: string): string
  moreRooms(rooms: number): string
  readonly earlier: (count: number) => string
  conversationWith(name: string): string
  readonly encrypted: string
  readonly call: string
  why(userId: string): string
  readonly unsubscribe: string
}

/** About invitations. */
export interface InvitationWords {
  /** A room without a name. */
  readonly aRoom: string
  invites(inviter: string, room: string): string
  withdrawnSubject(room: string): string
  withdrawn(inviter: string, room: string): string
  makeAccount(server: string): string
  readonly openRoom: string
}

/** The page to which the link leads that ends e-mails about missed messages. */
export interface UnsubscribingWords {
  readonly question: string
  writing(address: string): string
  readonly stop: string
  readonly done: string
  ended(address: string): string
  readonly unknownLink: string
  readonly unknown: string
}

/** About what somebody asked for with an e-mail address: making an account, adding it to one, a new password. */
export interface ConfirmationWords {
  readonly confirm: { readonly register: string; readonly add: string; readonly password: string }
  asked(server: string, purpose: 'register' | 'add' | 'password'): string
  readonly ignore: string
  takenSubject(server: string): string
  taken(server: string, userId: string): string
  readonly forgotten: string
  unknownSubject(server: string): string
  unknown(server: string): string
  readonly otherAddress: string
}
