import type { MailWords } from './words.ts'

const messages = (count: number): string => (count === 1 ? 'eine Nachricht' : `${count} Nachrichten`)

/** At the beginning of a subject. */
const Messages = (count: number): string => (count === 1 ? 'Eine Nachricht' : `${count} Nachrichten`)

const PURPOSES = {
  register: 'mit dieser E-Mail-Adresse ein Konto anzulegen',
  add: 'diese E-Mail-Adresse einem Konto hinzuzufügen',
  password: 'für das Konto mit dieser E-Mail-Adresse ein neues Passwort zu setzen',
} as const

export const german: MailWords = {
  lang: 'de',
  digest: {
    missed: (count, server) => `Du hast auf ${server} ${messages(count)} verpasst.`,
    subjectOfRooms: (count, rooms) => `${Messages(count)} in ${rooms} Räumen`,
    subjectFrom: (count, sender) => `${Messages(count)} von ${sender}`,
    subjectIn: (count, room) => `${Messages(count)} in ${room}`,
    moreRooms: rooms =>
      rooms === 1 ? '… und in einem weiteren Raum.' : `… und in ${rooms} weiteren Räumen.`,
    earlier: count => `(${count} frühere)`,
    conversationWith: name => `Gespräch mit ${name}`,
    encrypted: '(eine verschlüsselte Nachricht)',
    call: '(ein Anruf)',
    why: userId => `Du bekommst dies, weil ${userId} über verpasste Nachrichten informiert werden möchte.`,
    unsubscribe: 'Keine solchen E-Mails mehr',
  },
  invitation: {
    aRoom: 'einen Raum',
    invites: (inviter, room) => `${inviter} lädt dich ein: ${room}`,
    withdrawnSubject: room => `Zurückgenommen: ${room}`,
    withdrawn: (inviter, room) =>
      `Die Einladung von ${inviter} (${room}) wurde zurückgenommen oder ist abgelaufen.`,
    makeAccount: server =>
      `Lege auf ${server} ein Konto mit dieser E-Mail-Adresse an, oder füge sie deinem Konto hinzu: Die Einladung wartet dort auf dich.`,
    openRoom: 'Raum öffnen',
  },
  unsubscribing: {
    question: 'Keine E-Mails mehr?',
    writing: address => `Wir schreiben an ${address} über Nachrichten, die du verpasst hast.`,
    stop: 'Damit aufhören',
    done: 'Erledigt',
    ended: address =>
      `Wir schreiben nicht mehr an ${address} über verpasste Nachrichten. In deinem Programm kannst du das wieder einschalten.`,
    unknownLink: 'Dieser Link führt nirgendwohin',
    unknown:
      'Über ihn wird niemandem geschrieben: Er wurde schon benutzt, oder die E-Mails wurden in einem Programm abgestellt.',
  },
  confirmation: {
    confirm: {
      register: 'Bestätige die E-Mail-Adresse',
      add: 'Bestätige die E-Mail-Adresse',
      password: 'Bestätige, dass du ein neues Passwort möchtest',
    },
    asked: (server, purpose) =>
      `Jemand, hoffentlich du, hat ${server} gebeten, ${PURPOSES[purpose]}. Wenn du es warst, öffne diesen Link und bestätige es innerhalb eines Tages:`,
    ignore: 'Wenn du das nicht wolltest, beachte diese Nachricht nicht: Dann geschieht nichts.',
    takenSubject: server => `Du hast ein Konto auf ${server}`,
    taken: (server, userId) =>
      `Jemand, hoffentlich du, wollte diese E-Mail-Adresse auf ${server} verwenden. Sie gehört schon zum Konto ${userId}.`,
    forgotten:
      'Wenn das dein Konto ist und du sein Passwort vergessen hast, fordere bei der Anmeldung ein neues an.',
    unknownSubject: server => `Auf ${server} gibt es kein Konto mit dieser Adresse`,
    unknown: server =>
      `Jemand, hoffentlich du, hat ${server} gebeten, ${PURPOSES.password}. Kein Konto dort hat sie.`,
    otherAddress: 'Vielleicht hast du eine andere Adresse verwendet, oder möchtest ein Konto anlegen.',
  },
}
