import type { MailWords } from './words.ts'

const messages = (count: number): string => (count === 1 ? 'un message' : `${count} messages`)

/** At the beginning of a subject. */
const Messages = (count: number): string => (count === 1 ? 'Un message' : `${count} messages`)

const PURPOSES = {
  register: 'de créer un compte avec cette adresse e-mail',
  add: 'd’ajouter cette adresse e-mail à un compte',
  password: 'de définir un nouveau mot de passe pour le compte qui a cette adresse e-mail',
} as const

export const french: MailWords = {
  lang: 'fr',
  digest: {
    missed: (count, server) => `Vous avez manqué ${messages(count)} sur ${server}.`,
    subjectOfRooms: (count, rooms) => `${Messages(count)} dans ${rooms} salons`,
    subjectFrom: (count, sender) => `${Messages(count)} de ${sender}`,
    subjectIn: (count, room) => `${Messages(count)} dans ${room}`,
    moreRooms: rooms => (rooms === 1 ? '… et dans un autre salon.' : `… et dans ${rooms} autres salons.`),
    earlier: count => `(${count} auparavant)`,
    conversationWith: name => `Conversation avec ${name}`,
    encrypted: '(un message chiffré)',
    call: '(un appel)',
    why: userId =>
      `Vous recevez ceci parce que ${userId} a demandé à être averti par e-mail des messages manqués.`,
    unsubscribe: 'Ne plus recevoir ces e-mails',
  },
  invitation: {
    aRoom: 'un salon',
    invites: (inviter, room) => `${inviter} vous invite : ${room}`,
    withdrawnSubject: room => `Invitation retirée : ${room}`,
    withdrawn: (inviter, room) => `L’invitation de ${inviter} (${room}) a été retirée, ou a expiré.`,
    makeAccount: server =>
      `Créez un compte sur ${server} avec cette adresse e-mail, ou ajoutez-la au vôtre : l’invitation vous y attend.`,
    openRoom: 'Ouvrir le salon',
  },
  unsubscribing: {
    question: 'Plus d’e-mails ?',
    writing: address => `Nous écrivons à ${address} au sujet des messages que vous avez manqués.`,
    stop: 'Arrêter',
    done: 'C’est fait',
    ended: address =>
      `Nous n’écrirons plus à ${address} au sujet des messages manqués. Vous pouvez réactiver ces e-mails dans votre client.`,
    unknownLink: 'Ce lien ne mène nulle part',
    unknown:
      'Personne ne reçoit d’e-mails par ce lien : il a déjà été utilisé, ou les e-mails ont été désactivés dans un client.',
  },
  confirmation: {
    confirm: {
      register: 'Confirmez l’adresse e-mail',
      add: 'Confirmez l’adresse e-mail',
      password: 'Confirmez que vous voulez un nouveau mot de passe',
    },
    asked: (server, purpose) =>
      `Quelqu’un, vous, espérons-le, a demandé à ${server} ${PURPOSES[purpose]}. Si c’était vous, ouvrez ce lien et confirmez dans la journée :`,
    ignore: 'Si vous n’avez rien demandé, ignorez ce message : rien ne se passera.',
    takenSubject: server => `Vous avez un compte sur ${server}`,
    taken: (server, userId) =>
      `Quelqu’un, vous, espérons-le, a voulu utiliser cette adresse e-mail sur ${server}. Elle appartient déjà au compte ${userId}.`,
    forgotten:
      'Si c’est votre compte et que vous avez oublié son mot de passe, demandez-en un nouveau à la connexion.',
    unknownSubject: server => `Aucun compte n’a cette adresse sur ${server}`,
    unknown: server =>
      `Quelqu’un, vous, espérons-le, a demandé à ${server} ${PURPOSES.password}. Aucun compte ne l’a.`,
    otherAddress: 'Vous avez peut-être utilisé une autre adresse, ou voulez créer un compte.',
  },
}
