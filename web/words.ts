import { english } from './english.ts'
import type { Medium } from './room.ts'

/** What the page says, in one language. Names and texts of people come in as they are; nothing here is markup. */
export interface Words {
  /** What browsers call the language (BCP 47). */
  readonly lang: string
  readonly signIn: SignInWords
  readonly rooms: RoomsWords
  readonly room: RoomWords
  readonly people: PeopleWords
  readonly invited: InvitedWords
  readonly inbox: InboxWords
  readonly timeline: TimelineWords
  readonly media: MediaWords
  readonly unsent: UnsentWords
  putOut(by: string, name: string): string
  readonly cancel: string
  readonly signOut: string
  readonly loading: string
  readonly notReached: string
  readonly unreachable: string
  answered(status: number): string
}

export interface SignInWords {
  readonly userName: string
  readonly password: string
  readonly button: string
  readonly makeAccount: string
  goOnWith(provider: string): string
  /** What some refusals mean here, by their codes. */
  readonly problems: Readonly<Record<string, string>>
}

export interface RoomsWords {
  readonly title: string
  readonly empty: string
  readonly chatWith: string
  readonly newRoom: string
  readonly chatTitle: string
  readonly user: string
  readonly chat: string
  readonly newTitle: string
  readonly name: string
  readonly topic: string
  readonly invite: string
  readonly create: string
  readonly alias: string
  readonly picture: string
  readonly mediaTitle: string
  readonly media: Readonly<Record<Medium, string>>
  /** What may be sent in a room; nothing where that is an empty text. */
  allows(media: string): string
}

export interface RoomWords {
  readonly choose: string
  typing(names: readonly string[]): string
  readonly goOn: string
  readonly invite: string
  readonly add: string
  readonly askToTalk: string
  readonly leave: string
  readonly leaveQuestion: string
  readonly leaveButton: string
  readonly back: string
  readonly encrypted: string
  readonly inviteTitle: string
  readonly addTitle: string
  readonly comment: string
  readonly lifetime: string
  readonly noEnd: string
  readonly delivery: string
  readonly occasion: Readonly<Record<'title' | 'summary' | 'start' | 'end', string>>
  readonly inviteButton: string
  readonly message: string
  readonly send: string
  readonly cannotRead: string
}

export interface MediaWords {
  save(name: string): string
  play(name: string): string
  readonly missing: string
}

export interface UnsentWords {
  readonly title: string
  readonly waits: string
  readonly again: string
  readonly discard: string
  readonly loseQuestion: string
}

export interface PeopleWords {
  button(count: number | undefined): string
  readonly title: string
  readonly find: string
  readonly close: string
  more(count: number): string
  readonly administrator: string
  readonly moderator: string
  readonly reason: string
  readonly remove: string
  removeOf(name: string): string
  readonly ban: string
  banOf(name: string): string
  readonly lift: string
  liftOf(name: string): string
  /** Headings above so many people, by how they stand to the room. */
  readonly standing: Readonly<Record<'join' | 'invite' | 'knock' | 'ban', (count: number) => string>>
}

export interface InvitedWords {
  title(count: number): string
  goesOut(time: string): string
  readonly withdraw: string
  withdrawOf(name: string): string
}

export interface InboxWords {
  readonly title: string
  invites(name: string): string
  until(time: string): string
  readonly isOver: string
  readonly accept: string
  readonly decline: string
  readonly saveDate: string
  readonly declineTitle: string
  declineMessage(name: string): string
  readonly declineButton: string
  /** What somebody did, by the kind of the notification. */
  readonly did: Readonly<Record<string, (name: string) => string>>
  notInvited(name: string): string
  readonly letIn: string
  readonly refuse: string
  messages(count: number): string
  readonly close: string
}

export interface TimelineWords {
  readonly title: string
  readonly earlier: string
  readonly news: string
  readonly toUnread: string
  readonly toEnd: string
  readonly edited: string
  readonly deleted: string
  readonly encrypted: string
  made(name: string): string
  named(name: string, room: string): string
  setTopic(name: string, topic: string): string
  isHere(name: string): string
  invited(by: string, name: string): string
  left(name: string): string
  removed(by: string, name: string): string
  banned(by: string, name: string): string
  knocks(name: string): string
  quotedBy(name: string): string
  declined(name: string): string
  withdrew(by: string, name: string): string
  unbanned(by: string, name: string): string
  renamed(before: string, now: string): string
  /** What is quoted is a name and what was said; nothing where that is not known. */
  answers(quote: string | undefined): string
  inThread(quote: string | undefined): string
  readonly reactions: string
}

/** Only one of them is fetched. */
const LANGUAGES = new Map<string, () => Promise<Words>>([
  ['en', async () => english],
  ['de', async () => (await import('./german.ts')).german],
  ['fr', async () => (await import('./french.ts')).french],
  ['es', async () => (await import('./spanish.ts')).spanish],
])

/** In the first of the languages that the reader has asked for, of those that there are. */
export const wordsFor = async (languages: readonly string[]): Promise<Words> => {
  for (const language of languages) {
    const found = LANGUAGES.get(language.toLowerCase().replace(/-.*$/, ''))
    if (found !== undefined) return found()
  }
  return english
}

export const words: Words = await wordsFor(navigator.languages)
