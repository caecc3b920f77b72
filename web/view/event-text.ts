import { type Json, object, text } from '../api.ts'
import { shownSpan } from '../dom.ts'
import { visible } from '../names.ts'
import { occasionOf } from '../occasion.ts'
import type { Room, RoomEvent } from '../room.ts'
import { words } from '../words.ts'

export interface EventText {
  readonly text: string
  /** It is told by the page, and nobody's message. */
  readonly isNotice: boolean
}

const notice = (text: string): EventText => ({ text, isNotice: true })

/** What is shown of an event; `undefined`: nothing. */
export const eventText = (room: Room, event: RoomEvent): EventText | undefined => {
  const { type, content, stateKey, sender } = event
  const name = room.nameOf(sender)
  if (object(content['m.relates_to'])['rel_type'] === 'm.replace') return undefined
  // The same in words, for clients that do not show quoted history.
  if (content['chat.tessera.fallback'] === 'chat.tessera.room.history') return undefined
  if (event.isRedacted) return type === 'm.room.message' ? notice(words.timeline.deleted) : undefined
  if (type === 'm.room.message') {
    const body = messageText(room, event)
    return content['msgtype'] === 'm.emote' ? notice(`${name} ${body}`) : { text: body, isNotice: false }
  }
  if (type === 'm.sticker') return { text: text(content['body']) ?? '', isNotice: false }
  if (type === 'm.room.encrypted') return notice(words.timeline.encrypted)
  if (type === 'm.room.create') return notice(words.timeline.made(name))
  if (type === 'm.room.name') return notice(words.timeline.named(name, text(content['name']) ?? ''))
  if (type === 'm.room.topic') return notice(words.timeline.setTopic(name, text(content['topic']) ?? ''))
  if (type === 'm.room.member') return memberText(room, event, stateKey ?? '')
  return undefined
}

/** What a reply begins with in clients of before 2024: the lines that it answers. The page shows these by itself. */
const FALLBACK = /^> <[^>\n]*>[^\n]*\n(?:>[^\n]*\n)*\n?/

const messageText = (room: Room, event: RoomEvent): string => {
  const body = text((room.editOf(event) ?? event.content)['body']) ?? ''
  return 'm.in_reply_to' in object(event.content['m.relates_to']) ? body.replace(FALLBACK, '') : body
}

const memberText = (
  room: Room,
  { content, prevContent, sender }: RoomEvent,
  target: string,
): EventText | undefined => {
  const current = visible(room.state('m.room.member', target)['displayname'])
  /** As they were called then; who is still called so, as they are told apart from others now. */
  const named = ({ displayname }: Json): string => {
    const name = visible(displayname)
    return name === undefined || name === current ? room.nameOf(target) : name
  }
  const [was, who] = [named(prevContent), named(content)]
  const by = room.nameOf(sender)
  const { timeline: say } = words
  const before = text(prevContent['membership'])
  const isOwn = target === sender
  const left: Record<string, string> = {
    invite: isOwn ? say.declined(was) : say.withdrew(by, was),
    ban: say.unbanned(by, was),
  }
  const joined = was === who ? undefined : say.renamed(was, who)
  const what: Record<string, string | undefined> = {
    join: before === 'join' ? joined : say.isHere(who),
    invite: say.invited(by, who),
    leave: left[before ?? ''] ?? (isOwn ? say.left(was) : say.removed(by, was)),
    ban: say.banned(by, was),
    knock: say.knocks(who),
  }
  const shown = what[text(content['membership']) ?? '']
  if (shown === undefined) return undefined
  const reason = visible(content['reason'])
  const said = reason === undefined ? shown : `${shown}: ${reason}`
  const occasion = content['membership'] === 'invite' ? occasionOf(content) : undefined
  if (occasion === undefined) return notice(said)
  return notice([said, occasion.summary, shownSpan(occasion)].filter(Boolean).join(' · '))
}
