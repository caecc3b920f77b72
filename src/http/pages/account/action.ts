import { oneLine } from '../../../core/mail-text.ts'
import type { PageContext } from '../../pages.ts'
import { type BrowserUser, sendNotice, type Visitor } from '../browser.ts'
import { type Html, html } from '../layout.ts'
import type { OfferedProvider, SignInOptions } from '../sign-in.ts'

/** Of a name, in characters. */
const MAX_SHOWN = 100

/** A device, as its owner sees it. */
export interface ShownDevice {
  readonly device_id: string
  readonly display_name?: string
  readonly last_seen_ts?: number
  readonly last_seen_ip?: string
}

/** What goes with a link that was sent to an address. */
export interface SentAddress {
  readonly sid: string
  readonly clientSecret: string
  /** Empty where there is none. */
  readonly permit: string
}

/** What the account pages need of the accounts. All that refuses throws `MatrixError`. */
export interface AccountService {
  readonly profiles: {
    checkMayChange(owner: { isAdmin: boolean }, key: string): void
    memberProfile(userId: string): Promise<{ readonly displayname?: string }>
    setField(
      owner: { userId: string; isGuest: boolean },
      key: string,
      body: { displayname: string },
    ): Promise<void>
  }
  readonly devices: {
    list(userId: string): Promise<readonly ShownDevice[]>
    get(userId: string, deviceId: string): Promise<ShownDevice>
    rename(userId: string, deviceId: string, name: string): Promise<void>
    remove(userId: string, deviceIds: readonly string[]): Promise<void>
    /** With all that could become another one; but for `kept`. */
    removeAll(userId: string, kept: string | undefined): Promise<void>
  }
  readonly management: {
    setPassword(userId: string, password: string, how: { logoutDevices: boolean }): Promise<void>
    deactivate(userId: string, how: { erase: boolean }): Promise<void>
  }
  readonly threepids: {
    addressesOf(userId: string): Promise<readonly string[]>
    add(userId: string, confirmation: { sid: string; clientSecret: string }): Promise<void>
    delete(userId: string, id: { medium: string; address: string }): Promise<unknown>
    unbindAll(userId: string, idServer: string | undefined): Promise<unknown>
  }
  /** Whether addresses can be added: there is a mail server. */
  readonly canSendEmail: boolean
  /** Has the owner of an address confirm that a user adds it who has shown who they are. */
  sendEmail(userId: string, address: string): Promise<SentAddress>
  /** Whether it was the user, as far as they have shown it then, who had that sent. */
  isSentFor(userId: string, sent: SentAddress): Promise<boolean>
  /** The providers that there are, and whether somebody signs in with them. */
  providersOf(userId: string): Promise<readonly (OfferedProvider & { readonly isLinked: boolean })[]>
  /** Lets a user who has confirmed it begin to connect an account elsewhere, in this browser. @returns what the way there asks for */
  permitConnecting(providerId: string, browser: string, userId: string): Promise<string>
  /** Has a user sign in no longer with what they have at a provider. @throws {MatrixError} `M_BAD_STATE`: as they do with nothing else */
  disconnect(userId: string, providerId: string): Promise<void>
  /** Has the user show that they know their password. */
  confirm(userId: string, password: string): Promise<void>
  /** Lets a device of theirs replace the cross-signing keys; without one, any device. */
  approveKeyReset(userId: string, deviceId: string | undefined): Promise<void>
}

export type AccountOptions = SignInOptions & { readonly account: AccountService; readonly path: string }

/** Somebody who is signed in and looks at one of the pages. */
export interface Call {
  readonly context: PageContext
  readonly options: AccountOptions
  readonly visitor: Visitor
  readonly user: BrowserUser
  /** The device that the page is about (`device_id`), if it is about one. */
  readonly deviceId: string | undefined
}

/** One thing that can be done with an account. */
export interface AccountAction {
  show(call: Call): Promise<void>
  /** Does it. */
  submit(call: Call, fields: URLSearchParams): Promise<void>
}

/** A link to another of the pages. */
export const linkTo = (
  { options }: Call,
  text: string,
  query: Readonly<Record<string, string>> = {},
): Html => {
  const search = new URLSearchParams(query)
  return html`<a href="${search.size === 0 ? options.path : `${options.path}?${search}`}">${text}</a>`
}

/** The way back to the overview. */
export const backLink = (call: Call): Html => html`<p>${linkTo(call, call.visitor.words.common.back)}</p>`

/** Says that something is done, or cannot be. */
export const say = (call: Call, status: number, title: string, ...text: string[]): void =>
  sendNotice(call.context, call.visitor.words, status, { title, text, more: backLink(call) })

/** What a device is called: its client has chosen that, so nothing in it moves or hides text. */
export const nameOf = ({ device_id: id, display_name: name = '' }: ShownDevice, unnamed: string): string =>
  `${oneLine(name, MAX_SHOWN) || unnamed} (${oneLine(id, MAX_SHOWN)})`
