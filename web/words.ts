import { english } from './english.ts'
import { french } from './french.ts'
import { german } from './german.ts'
import { spanish } from './spanish.ts'

/** What the page says, in one language. Names and texts of people come in as they are; nothing here is markup. */
export interface Words {
  /** What browsers call the language (BCP 47). */
  readonly lang: string
  readonly signIn: SignInWords
  readonly rooms: RoomsWords
  readonly room: RoomWords
  readonly inbox: InboxWords
  readonly timeline: TimelineWords
  readonly cancel: string
  readonly signOut: string
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
  people(count: number): string
  readonly back: string
  readonly encrypted: string
  readonly inviteTitle: string
  readonly addTitle: string
  readonly comment: string
  readonly inviteButton: string
  readonly message: string
  readonly send: string
  readonly cannotRead: string
}

export interface InboxWords {
  readonly title: string
  invites(name: string): string
  until(time: string): string
  readonly accept: string
  readonly decline: string
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
}

const LANGUAGES: readonly Words[] = [english, german, french, spanish]

/** In the first of the languages that the reader has asked for, of those that there are. */
export const wordsFor = (languages: readonly string[]): Words => {
  for (const language of languages) {
    const [wanted] = language.toLowerCase().split('-')
    const found = LANGUAGES.find(({ lang }) => lang === wanted)
    if (found !== undefined) return found
  }
  return english
}

export const words = wordsFor(navigator.languages)
