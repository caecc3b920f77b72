/**
 * What the pages say on which people sign in and look after their account, in one language. Names of people, programs and
 * servers come in as plain text; nothing here is markup.
 */
export interface PageWords {
  /** What browsers call the language (BCP 47). */
  readonly lang: string
  readonly common: CommonWords
  readonly signIn: SignInWords
  readonly recover: RecoverWords
  readonly providers: ProvidersWords
  readonly register: RegisterWords
  readonly confirmEmail: ConfirmEmailWords
  readonly consent: ConsentWords
  readonly link: LinkWords
  readonly account: AccountWords
  readonly stages: StageWords
  readonly setup: SetupWords
  readonly clientLogin: ClientLoginWords
  readonly limits: LimitsWords
  readonly problems: ProblemWords
}

export interface CommonWords {
  readonly userName: string
  readonly password: string
  readonly cancel: string
  readonly back: string
  readonly done: string
  readonly closePage: string
  signedInAs(userId: string): string
  readonly otherAccount: string
}

export interface SignInWords {
  title(server: string): string
  /** Why somebody is asked to. */
  toContinue(client: string): string
  readonly button: string
  readonly makeAccount: string
  readonly forgotten: string
}

/** Of setting another password where the old one is forgotten. */
export interface RecoverWords {
  readonly title: string
  readonly addressWhy: string
}

/** Of signing in with an account that people have elsewhere. */
export interface ProvidersWords {
  goOnWith(provider: string): string
  newHere(provider: string): string
  readonly again: string
  readonly confirmTitle: string
  readonly removeSessions: string
  readonly deactivate: string
  readonly resetKeys: string
  readonly letIn: string
  readonly changeAccount: string
  readonly confirmCareful: string
  readonly onceMore: string
  readonly title: string
  connected(provider: string): string
  connect(provider: string): string
  disconnect(provider: string): string
  disconnectMeans(provider: string): string
}

export interface RegisterWords {
  title(server: string): string
  userHint(server: string): string
  passwordHint(characters: number): string
  readonly again: string
  readonly token: string
  readonly terms: string
  readonly button: string
  readonly haveAccount: string
  readonly email: string
  readonly emailWhy: string
  readonly emailButton: string
  emailSent(address: string): string
}

/** Where the links in e-mails lead by which an address is confirmed. */
export interface ConfirmEmailWords {
  readonly title: string
  readonly question: string
  /** What is to be confirmed; the address follows. */
  readonly asked: Readonly<Record<'register' | 'add' | 'password', (server: string) => string>>
  readonly careful: string
  readonly yes: string
  readonly confirmed: string
  readonly goBack: string
  readonly expired: string
  readonly expiredWhy: string
}

export interface ConsentWords {
  title(client: string): string
  readonly app: string
  readonly website: string
  readonly session: string
  readonly returnsTo: string
  readonly appOnThisDevice: string
  readonly newSession: string
  readonly knownSession: string
  readonly may: string
  readonly mayNot: string
  /** Where it is to administer the server, too. */
  readonly administers: string
  readonly careful: string
  readonly terms: string
  readonly policy: string
  readonly allow: string
}

export interface LinkWords {
  readonly title: string
  readonly code: string
  readonly codeHint: string
  readonly button: string
  readonly unknown: string
  readonly same: string
  readonly careful: string
  readonly granted: string
  readonly goBack: string
  readonly denied: string
}

export interface AccountWords {
  readonly title: string
  readonly signOut: string
  readonly profile: string
  readonly displayName: string
  readonly addresses: string
  readonly addressesTitle: string
  readonly addAddress: string
  readonly removeAddress: string
  readonly save: string
  readonly saved: string
  readonly sessions: string
  readonly noSessions: string
  readonly unnamed: string
  lastSeen(when: string): string
  readonly never: string
  readonly sessionName: string
  readonly endSession: string
  readonly endQuestion: string
  readonly endWarning: string
  readonly ended: string
  readonly endOthers: string
  readonly endAllQuestion: string
  readonly endOthersQuestion: string
  thisStays(session: string): string
  readonly endAllWarning: string
  readonly allEnded: string
  readonly noSuchSession: string
  readonly changePassword: string
  readonly currentPassword: string
  readonly newPassword: string
  readonly setPassword: string
  readonly endAll: string
  readonly passwordChanged: string
  readonly resetKeys: string
  readonly resetWarning: string
  resetFrom(session: string): string
  readonly resetAllow: string
  readonly resetDone: string
  readonly deactivate: string
  readonly deactivateWarning: string
  readonly erase: string
  readonly deactivateButton: string
  readonly deactivated: string
}

/** Of stages of authentication that are passed in a browser, for clients that do not know them. */
export interface StageWords {
  readonly terms: string
  readonly accept: string
  readonly token: string
  readonly password: string
  readonly confirm: string
  readonly email: string
  readonly emailSent: string
  followLink(address: string): string
  readonly emailConfirmed: string
  readonly nothing: string
  readonly nothingNeeded: string
  readonly goBack: string
  readonly unknown: string
  readonly unknownWhy: string
}

/** Of making the first administrator. What is to be typed follows the steps that say so. */
export interface SetupWords {
  readonly title: string
  heading(server: string): string
  readonly made: string
  done(userId: string): string
  readonly next: string
  readonly chat: string
  logIn(userId: string): string
  readonly invite: string
  readonly makeAccounts: string
  readonly check: string
  readonly closed: string
  readonly closedWhy: string
  readonly again: string
}

/** Of the page for clients that know no way to log in. */
export interface ClientLoginWords {
  readonly elsewhere: string
  readonly done: string
}

/** Of what one account may keep. */
export interface LimitsWords {
  readonly title: string
  what(server: string): string
  readonly remove: string
  ask(server: string): string
  readonly more: string
  readonly help: string
}

export interface ProblemWords {
  readonly title: string
  readonly formExpired: string
  readonly badRequest: string
  readonly wrongPassword: string
  readonly locked: string
  readonly suspended: string
  readonly tooMany: string
  readonly passwordsDiffer: string
  readonly weakPassword: string
  readonly nameTaken: string
  readonly nameInvalid: string
  readonly wrongToken: string
  readonly termsNeeded: string
  readonly emailUnconfirmed: string
  readonly emailRefused: string
  readonly closed: string
  readonly providerFailed: string
  readonly notAdmitted: string
  readonly otherAccount: string
  readonly tryAgain: string
}
