/** People without encryption, on a Synapse before it is replaced, and afterwards: what they see has to be the same. */
import { deepEqual, equal } from 'node:assert/strict'
import type { JsonObject } from '../src/core/json.ts'
import { accept, at, invite, makeRoom, sees, setState } from './interop-parts.ts'
import { type PlainClient, registerPlainClient } from './plain-client.ts'

/** What they know who do not encrypt. */
export interface PlainBefore {
  /** The other server. */
  readonly elsewhere: string
  readonly ann: PlainClient
  readonly ben: PlainClient
  /** On the other server. */
  readonly far: PlainClient
  readonly room: string
  readonly invitedTo: string
  readonly alias: string
  readonly file: string
  /** Tokens of Synapse's: of a place in the history, and of `/sync`. */
  readonly place: string
  readonly since: string
  readonly seen: Seen
}

/** What a client is told of all that there is, by what it asks for. */
type Seen = Readonly<Record<string, unknown>>

const FILE = new Uint8Array(Buffer.from('the bytes of a file'))

/** Waits for a message. */
const hears = async (who: PlainClient, room: string, text: string): Promise<void> => {
  await sees(who, room, `"${text}"`, event => event.content.body === text)
}

/** Lives on the two servers as far as that needs no encryption. */
export const plainLife = async (first: string, second: string): Promise<PlainBefore> => {
  const [ann, ben] = [await registerPlainClient(first, 'ann'), await registerPlainClient(first, 'ben')]
  const far = await registerPlainClient(second, 'far')
  const room = await makeRoom(ann, { preset: 'public_chat', room_alias_name: 'tea', name: 'Tea' })
  const server = ann.userId.slice(ann.userId.indexOf(':') + 1)
  const alias = `#tea:${server}`
  await ben.call('POST', `/join/${encodeURIComponent(alias)}`, {})
  await far.call('POST', `/join/${encodeURIComponent(room)}?server_name=${server}&via=${server}`, {})
  const root = await ann.say(room, 'the root of a thread')
  await ann.call('PUT', `${at(room)}/send/m.room.message/thread`, {
    msgtype: 'm.text',
    body: 'in the thread',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  })
  await ben.call('POST', `${at(room)}/receipt/m.read/${encodeURIComponent(root)}`, { thread_id: 'main' })
  for (const text of ['one', 'two', 'three']) await ann.say(room, text)
  await far.say(room, 'from far away')
  await hears(ben, room, 'from far away')
  const { content_uri: file } = JSON.parse(
    Buffer.from(
      (
        await ann.transfer('POST', '/_matrix/media/v3/upload?filename=f.txt', {
          contentType: 'text/plain',
          bytes: FILE,
        })
      ).bytes,
    ).toString(),
  ) as { content_uri: string }
  await ann.call('PUT', `/profile/${encodeURIComponent(ann.userId)}/avatar_url`, { avatar_url: file })
  await settings(ann, room)
  const invitedTo = await makeRoom(ben, { name: 'Coffee' })
  await invite(ben, ann, invitedTo)
  await setState(ann, room, 'm.room.topic', { topic: 'Leaves' })
  await ben.until('the topic', sync =>
    sync.rooms?.join?.[room]?.timeline.events.find(event => event.type === 'm.room.topic'),
  )
  const page = await ann.call('GET', `${at(room)}/messages?dir=b&limit=3`)
  const since = String((await ann.call('GET', '/sync?timeout=0'))['next_batch'])
  const place = String(page['end'])
  const plain = { elsewhere: second, ann, ben, far, room, invitedTo, alias, file, place, since }
  return { ...plain, seen: await seenBy(plain) }
}

const settings = async (ann: PlainClient, room: string): Promise<void> => {
  const own = `/user/${encodeURIComponent(ann.userId)}`
  await ann.call('PUT', `${own}/account_data/org.example.a`, { a: ['é', { deep: true }] })
  await ann.call('PUT', `${own}/rooms/${encodeURIComponent(room)}/tags/m.favourite`, { order: 0.25 })
  await ann.call('PUT', '/pushrules/global/content/tea', { pattern: 'tea', actions: ['notify'] })
  await ann.call('PUT', '/pushrules/global/underride/.m.rule.message/enabled', { enabled: false })
  await ann.call('POST', `${own}/filter`, { room: { timeline: { limit: 3 } } })
}

type Plain = Omit<PlainBefore, 'seen'>

const eventIds = ({ chunk }: JsonObject): unknown[] =>
  Array.isArray(chunk) ? chunk.map(event => (event as JsonObject)['event_id']) : []

/** The events of a response of `/sync`: what else it has may be told twice. */
const eventsOf = (sync: JsonObject): unknown[] => {
  const { rooms } = sync as { rooms?: { join?: Record<string, { timeline: { events: unknown[] } }> } }
  return Object.values(rooms?.join ?? {}).flatMap(({ timeline }) => timeline.events)
}

/** What the people of the first server see. */
const seenBy = async ({ ann, ben, room, alias, place, since }: Plain): Promise<Seen> => {
  const own = `/user/${encodeURIComponent(ann.userId)}`
  const state = (await ann.call('GET', `${at(room)}/state`)) as unknown as readonly JsonObject[]
  const { devices } = (await ann.call('GET', '/devices')) as { devices?: readonly JsonObject[] }
  const { rooms } = (await ben.call('GET', '/sync?timeout=0')) as {
    rooms?: { join?: Record<string, JsonObject> }
  }
  const { global } = (await ann.call('GET', '/pushrules/')) as {
    global?: Record<string, readonly JsonObject[]>
  }
  return {
    whoami: (await ann.call('GET', '/account/whoami'))['device_id'],
    devices: devices?.map(device => device['device_id']),
    profile: await ann.call('GET', `/profile/${encodeURIComponent(ann.userId)}`),
    rooms: await ann.call('GET', '/joined_rooms'),
    alias: (await ann.call('GET', `/directory/room/${encodeURIComponent(alias)}`))['room_id'],
    state: state.map(event => event['event_id']).toSorted(),
    messages: eventIds(await ann.call('GET', `${at(room)}/messages?dir=b&limit=100`)),
    fromStart: eventIds(await ben.call('GET', `${at(room)}/messages?dir=f&limit=100`)),
    older: eventIds(await ann.call('GET', `${at(room)}/messages?dir=b&limit=5&from=${place}`)),
    newer: eventIds(await ann.call('GET', `${at(room)}/messages?dir=f&limit=5&from=${place}`)),
    news: eventsOf(await ann.call('GET', `/sync?timeout=0&since=${since}`)),
    threads: eventIds(await ann.call('GET', `/_matrix/client/v1${at(room)}/threads`)),
    data: await ann.call('GET', `${own}/account_data/org.example.a`),
    tags: await ann.call('GET', `${own}/rooms/${encodeURIComponent(room)}/tags`),
    filter: await ann.call('GET', `${own}/filter/0`),
    ownRules: global?.['content']?.filter(rule => rule['default'] === false).map(rule => rule['rule_id']),
    message: global?.['underride']?.find(rule => rule['rule_id'] === '.m.rule.message')?.['enabled'],
    unread: rooms?.join?.[room]?.['unread_notifications'],
  }
}

/** What these find once the first server is another one. */
export const plainAfter = async (plain: PlainBefore, note: (what: string) => void): Promise<void> => {
  const { elsewhere, ann, ben, far, room, invitedTo, alias, file } = plain
  const seen = await seenBy(plain)
  for (const [what, value] of Object.entries(plain.seen)) deepEqual(seen[what], value, what)
  note(`with the same tokens people see the same: ${Object.keys(seen).join(', ')}`)
  const [, server, mediaId] = /^mxc:\/\/([^/]+)\/(.+)$/.exec(file) ?? []
  for (const who of [ben, far]) {
    const { bytes } = await who.transfer('GET', `/_matrix/client/v1/media/download/${server}/${mediaId}`)
    deepEqual(bytes, FILE)
  }
  note('files are there, for people of the other server too')
  await far.say(room, 'are you there?')
  await hears(ben, room, 'are you there?')
  await ann.say(room, 'we are')
  await hears(far, room, 'we are')
  note('the shared room goes on, in both directions')
  const { search_categories: found } = await ann.call('POST', '/search', {
    search_categories: { room_events: { search_term: 'three' } },
  })
  equal((found as { room_events?: { count?: number } }).room_events?.count, 1)
  note('what was said before is found')
  await accept(ann, invitedTo)
  await ann.say(invitedTo, 'thank you')
  await hears(ben, invitedTo, 'thank you')
  note('an invitation from before is accepted')
  const late = await registerPlainClient(elsewhere, 'late')
  await late.call('POST', `/join/${encodeURIComponent(alias)}`, {})
  await late.say(room, 'by the alias')
  await hears(ben, room, 'by the alias')
  note('somebody of the other server joins by the alias')
}
