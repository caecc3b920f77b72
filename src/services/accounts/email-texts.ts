import { type MailBlock, mailText } from '../../core/mail-text.ts'
import type { MailWords } from '../../core/mail-words/index.ts'
import type { EmailPurpose } from '../../storage/accounts/email-validations.ts'

/** What a mail says, apart from whom it goes to. */
export interface EmailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const email = ({ lang }: MailWords, subject: string, blocks: readonly MailBlock[]): EmailText => ({
  subject,
  ...mailText(blocks, lang),
})

/** Asks the reader to confirm by following a link. */
export const confirmationText = (
  words: MailWords,
  purpose: EmailPurpose,
  serverName: string,
  link: string,
): EmailText => {
  const { confirm, asked, ignore } = words.confirmation
  const label = confirm[purpose]
  return email(words, `${label} (${serverName})`, [asked(serverName, purpose), { link, label }, ignore])
}

/** Tells the reader that what was asked for cannot be, since the address is an account's already. */
export const takenText = (words: MailWords, serverName: string, userId: string): EmailText => {
  const { takenSubject, taken, forgotten, ignore } = words.confirmation
  return email(words, takenSubject(serverName), [taken(serverName, userId), forgotten, ignore])
}

/** Tells the reader that there is no account to set a password for. */
export const unknownText = (words: MailWords, serverName: string): EmailText => {
  const { unknownSubject, unknown, otherAddress, ignore } = words.confirmation
  return email(words, unknownSubject(serverName), [unknown(serverName), otherAddress, ignore])
}
