/** E-mail addresses, as far as a server that sends to them has to know (RFC 5321, 4.5.3.1; RFC 6531). */

/** `Our server <noreply@example.org>`: somebody's name, perhaps empty, and address. */
export interface Mailbox {
  readonly name: string
  readonly address: string
}

const MAX_LOCAL_PART_BYTES = 64
const MAX_ADDRESS_BYTES = 254

/** What neither part may have: spaces and controls, and what has a meaning of its own in a list of addresses. */
const SPECIAL = /[\p{Z}\p{C}"(),:;<>@[\\\]]/u
/** A label of a domain: letters and digits of any script, with hyphens between them. */
const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?$/u

/**
 * Whether the text is one bare address. Quoted local parts and addresses of machines by number are not admitted:
 * nobody has such a mailbox, and they are made to be read differently by different programs.
 */
export const isEmailAddress = (text: string): boolean => {
  if (Buffer.byteLength(text) > MAX_ADDRESS_BYTES) return false
  const at = text.lastIndexOf('@')
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || SPECIAL.test(local) || Buffer.byteLength(local) > MAX_LOCAL_PART_BYTES) return false
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false
  return domain.split('.').every(label => LABEL.test(label))
}

/** Reads `alice@example.org` or `Alice <alice@example.org>`; `undefined` for anything else, lists among them. */
export const parseMailbox = (text: string): Mailbox | undefined => {
  const [, name = '', address = text] = /^([^<>,;:@\p{C}]*?) ?<([^<>]*)>$/u.exec(text) ?? []
  return isEmailAddress(address) ? { name, address } : undefined
}

/** Full case folding of one character, as far as its mappings to capitals and back tell it. */
const folded = (character: string): string =>
  // The dotless i has no case of its own: folding it by way of its capital would make it another letter.
  character === 'ı' ? character : character.toLowerCase().toUpperCase().toLowerCase()

/**
 * The one form of an e-mail address in which it is stored and compared: case folded, so that `Strauß@Example.com` is
 * `strauss@example.com` (appendices, "E-Mail"). `undefined` for what is no address.
 */
export const canonicalEmail = (text: string): string | undefined => {
  if (!isEmailAddress(text)) return undefined
  const canonical = [...text].map(folded).join('')
  return isEmailAddress(canonical) ? canonical : undefined
}
