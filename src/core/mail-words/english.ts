import type { MailWords } from './words.ts'

const messages = (count: number): string => (count === 1 ? 'a message' : `${count} messages`)

const PURPOSES = {
  register: 'to make an account with this e-mail address',
  add: 'to add this e-mail address to an account',
  password: 'to set a new password for the account that has this e-mail address',
} as const

export const english: MailWords = {
  lang: 'en',
  digest: {
    missed: (count, server) => `You have missed ${messages(count)} on ${server}.`,
    subjectOfRooms: (count, rooms) => `${messages(count)} in ${rooms} rooms`,
    subjectFrom: (count, sender) => `${messages(count)} from ${sender}`,
    subjectIn: (count, room) => `${messages(count)} in ${room}`,
    moreRooms: rooms => `… and in ${rooms} more ${rooms === 1 ? 'room' : 'rooms'}.`,
    earlier: count => `(${count} earlier)`,
    conversationWith: name => `Conversation with ${name}`,
    encrypted: '(an encrypted message)',
    call: '(a call)',
    why: userId => `You get this because ${userId} has asked to be written to about missed messages.`,
    unsubscribe: 'Get no more of these',
  },
  invitation: {
    aRoom: 'a room',
    invites: (inviter, room) => `${inviter} invites you to ${room}`,
    withdrawnSubject: room => `Withdrawn: ${room}`,
    withdrawn: (inviter, room) => `The invitation of ${inviter} to ${room} was withdrawn, or has expired.`,
    makeAccount: server =>
      `Make an account on ${server} with this e-mail address, or add it to the one that you have: the invitation then waits for you there.`,
    openRoom: 'Open the room',
  },
  unsubscribing: {
    question: 'No more e-mails?',
    writing: address => `We write to ${address} about messages that you have missed.`,
    stop: 'Stop that',
    done: 'Done',
    ended: address =>
      `We write to ${address} about missed messages no more. You can switch it on again in your client.`,
    unknownLink: 'This link does not work',
    unknown: 'Nobody is written to by it: it was used already, or was switched off in a client.',
  },
  confirmation: {
    confirm: {
      register: 'Confirm the e-mail address',
      add: 'Confirm the e-mail address',
      password: 'Confirm that you want a new password',
    },
    asked: (server, purpose) =>
      `Somebody, hopefully you, asked ${server} ${PURPOSES[purpose]}. If it was you, open this link and confirm it within a day:`,
    ignore: 'If you did not ask for this, ignore this message: nothing happens then.',
    takenSubject: server => `You have an account on ${server}`,
    taken: (server, userId) =>
      `Somebody, hopefully you, wanted to use this e-mail address on ${server}. It belongs to the account ${userId} already.`,
    forgotten: 'If that is your account and you forgot its password, ask for a new one where you log in.',
    unknownSubject: server => `You have no account with this address on ${server}`,
    unknown: server =>
      `Somebody, hopefully you, asked ${server} ${PURPOSES.password}. No account there has it.`,
    otherAddress: 'You may have used another address, or may want to make an account.',
  },
}
