import type { MailWords } from './words.ts'

const messages = (count: number): string => (count === 1 ? 'un mensaje' : `${count} mensajes`)

/** At the beginning of a subject. */
const Messages = (count: number): string => (count === 1 ? 'Un mensaje' : `${count} mensajes`)

const PURPOSES = {
  register: 'crear una cuenta con esta dirección de correo',
  add: 'añadir esta dirección de correo a una cuenta',
  password: 'poner una contraseña nueva a la cuenta que tiene esta dirección de correo',
} as const

export const spanish: MailWords = {
  lang: 'es',
  digest: {
    missed: (count, server) => `Te has perdido ${messages(count)} en ${server}.`,
    subjectOfRooms: (count, rooms) => `${Messages(count)} en ${rooms} salas`,
    subjectFrom: (count, sender) => `${Messages(count)} de ${sender}`,
    subjectIn: (count, room) => `${Messages(count)} en ${room}`,
    moreRooms: rooms => (rooms === 1 ? '… y en otra sala.' : `… y en otras ${rooms} salas.`),
    earlier: count => `(${count} antes)`,
    conversationWith: name => `Conversación con ${name}`,
    encrypted: '(un mensaje cifrado)',
    call: '(una llamada)',
    why: userId => `Recibes esto porque ${userId} ha pedido que se le avise de los mensajes perdidos.`,
    unsubscribe: 'No recibir más correos como este',
  },
  invitation: {
    aRoom: 'una sala',
    invites: (inviter, room) => `${inviter} te invita: ${room}`,
    withdrawnSubject: room => `Invitación retirada: ${room}`,
    withdrawn: (inviter, room) => `La invitación de ${inviter} (${room}) se ha retirado, o ha caducado.`,
    makeAccount: server =>
      `Crea una cuenta en ${server} con esta dirección de correo, o añádela a la que tienes: la invitación te espera allí.`,
    openRoom: 'Abrir la sala',
  },
  unsubscribing: {
    question: '¿No más correos?',
    writing: address => `Escribimos a ${address} sobre los mensajes que no has leído.`,
    stop: 'Dejar de recibirlos',
    done: 'Hecho',
    ended: address =>
      `Ya no escribiremos a ${address} sobre mensajes no leídos. Puedes volver a activarlo en tu cliente.`,
    unknownLink: 'Este enlace no funciona',
    unknown: 'Nadie recibe correos por él: ya se ha usado, o se han desactivado en un cliente.',
  },
  confirmation: {
    confirm: {
      register: 'Confirma la dirección de correo',
      add: 'Confirma la dirección de correo',
      password: 'Confirma que quieres una contraseña nueva',
    },
    asked: (server, purpose) =>
      `Alguien, esperamos que tú, ha pedido a ${server} ${PURPOSES[purpose]}. Si has sido tú, abre este enlace y confírmalo en el plazo de un día:`,
    ignore: 'Si no lo has pedido, no hagas caso de este mensaje: no pasará nada.',
    takenSubject: server => `Tienes una cuenta en ${server}`,
    taken: (server, userId) =>
      `Alguien, esperamos que tú, ha querido usar esta dirección de correo en ${server}. Ya pertenece a la cuenta ${userId}.`,
    forgotten: 'Si es tu cuenta y has olvidado su contraseña, pide una nueva al iniciar sesión.',
    unknownSubject: server => `Ninguna cuenta tiene esta dirección en ${server}`,
    unknown: server =>
      `Alguien, esperamos que tú, ha pedido a ${server} ${PURPOSES.password}. Ninguna cuenta la tiene.`,
    otherAddress: 'Puede que hayas usado otra dirección, o que quieras crear una cuenta.',
  },
}
