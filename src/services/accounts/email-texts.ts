import { type MailBlock, mailText } from '../../core/mail-text.ts'
import type { EmailPurpose } from '../../storage/accounts/email-validations.ts'

/** What a mail says, apart from whom it goes to. */
export interface EmailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const IGNORE = 'If you did not ask for this, ignore this message: nothing happens then.'

const WHAT: Readonly<Record<EmailPurpose, string>> = {
  register: 'to make an account with this e-mail address',
  add: 'to add this e-mail address to an account',
  password: 'to set a new password for the account that has this e-mail address',
}

const LABEL: Readonly<Record<EmailPurpose, string>> = {
  register: 'Confirm the e-mail address',
  add: 'Confirm the e-mail address',
  password: 'Confirm that you want a new password',
}

const email = (subject: string, blocks: readonly MailBlock[]): EmailText => ({ subject, ...mailText(blocks) })

/** Asks the reader to confirm by following a link. */
export const confirmationText = (purpose: EmailPurpose, serverName: string, link: string): EmailText =>
  email(`${LABEL[purpose]} (${serverName})`, [
    `Somebody, hopefully you, asked ${serverName} ${WHAT[purpose]}. If it was you, open this link and confirm it within a day:`,
    { link, label: LABEL[purpose] },
    IGNORE,
  ])

/** Tells the reader that what was asked for cannot be, since the address is an account's already. */
export const takenText = (serverName: string, userId: string): EmailText =>
  email(`You have an account on ${serverName}`, [
    `Somebody, hopefully you, wanted to use this e-mail address on ${serverName}. It belongs to the account ${userId} already.`,
    'If that is your account and you forgot its password, ask for a new one where you log in.',
    IGNORE,
  ])

/** Tells the reader that there is no account to set a password for. */
export const unknownText = (serverName: string): EmailText =>
  email(`You have no account with this address on ${serverName}`, [
    `Somebody, hopefully you, asked ${serverName} ${WHAT.password}. No account there has it.`,
    'You may have used another address, or may want to make an account.',
    IGNORE,
  ])
