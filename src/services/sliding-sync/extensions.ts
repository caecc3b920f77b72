import { parseJson } from '../../core/canonical-json.ts'
import { syncFilter } from '../../core/filter.ts'
import { isJsonObject } from '../../core/json.ts'
import type { StreamToken, SyncStream } from '../../core/stream-token.ts'
import type { ToDevice } from '../encryption/to-device.ts'
import type { ThreadSubscriptions } from '../push/thread-subscriptions.ts'
import type { SyncRequest } from '../sync/sync-request.ts'
import type { News, SyncSource } from '../sync/sync-source.ts'
import type { Owed, RoomStream } from './owed.ts'
import { PROFILES, type ProfilesExtension } from './profiles-extension.ts'
import type { ExtensionRequests, ExtensionScope } from './request.ts'
import { type ExtensionRooms, RoomExtensions } from './room-extensions.ts'
import type { Look } from './room-writer.ts'
import { STICKY_EVENTS, type StickyExtension } from './sticky-extension.ts'

/** The extensions of a response: JSON texts by name, and how far they have gone. */
export interface ExtensionAnswer {
  readonly texts: ReadonlyMap<string, string>
  readonly positions: StreamToken
  /** There is something that the client has not been told. */
  readonly hasNews: boolean
  /** What the client is still to be told of rooms that it has. */
  readonly owed: Owed
}

const EVERYTHING = syncFilter({})

export const THREAD_SUBSCRIPTIONS = 'io.element.msc4308.thread_subscriptions'

/** Puts what the streams of `/sync` have to say into the extensions of sliding sync. */
export class ExtensionTexts {
  readonly #sources: readonly SyncSource[]
  readonly #toDevice: Pick<ToDevice, 'waiting' | 'acknowledge'>
  readonly #toDevicePosition: () => number
  readonly #threads: Pick<ThreadSubscriptions, 'position' | 'changes'>
  readonly #sticky: StickyExtension
  readonly #profiles: ProfilesExtension
  readonly #ofRooms: RoomExtensions

  constructor(parts: {
    sources: readonly SyncSource[]
    toDevice: Pick<ToDevice, 'waiting' | 'acknowledge'>
    toDevicePosition: () => number
    threads: Pick<ThreadSubscriptions, 'position' | 'changes'>
    sticky: StickyExtension
    profiles: ProfilesExtension
  }) {
    this.#sources = parts.sources
    this.#ofRooms = new RoomExtensions(parts.sources)
    this.#toDevice = parts.toDevice
    this.#toDevicePosition = parts.toDevicePosition
    this.#threads = parts.threads
    this.#sticky = parts.sticky
    this.#profiles = parts.profiles
  }

  /** @param before where the streams stood in the response before; what nobody has followed is absent */
  async of(
    look: Look,
    wanted: ExtensionRequests,
    before: StreamToken,
    rooms: ExtensionRooms,
  ): Promise<ExtensionAnswer> {
    const positions: Partial<Record<SyncStream, number | undefined>> = {}
    const request: SyncRequest = {
      ...{ requester: look.requester, ignored: look.ignored, filter: EVERYTHING },
      ...{ fullState: false, stateAfter: 'state_after', since: look.after, ends: positions },
    }
    const texts = new Map<string, string>()
    let hasNews = false
    const add = (name: string, text: string, isNews: boolean): void => {
      texts.set(name, text)
      hasNews ||= isNews
    }
    if (wanted.toDevice !== undefined) {
      const { text, isNews } = await this.#toDeviceText(look, wanted.toDevice)
      add('to_device', text, isNews)
    }
    const moved = before.moves ?? look.after
    const follow = async (stream: SyncStream): Promise<readonly News[]> => {
      const sources = this.#of(stream)
      const after = before[stream]
      const upTo = Math.max(Math.min(...sources.map(source => source.position())), after ?? 0)
      const events = { after: stream === 'device_lists' ? moved : look.after, upTo: look.upTo }
      const news = await Promise.all(sources.map(source => source.news(request, after, upTo, events)))
      positions[stream] = Math.min(...news.map(one => one.upTo ?? upTo))
      return news
    }
    positions.moves = wanted.e2ee ? undefined : (moved ?? look.upTo)
    if (wanted.e2ee) {
      const { text, isNews } = await this.#e2eeText(request, await follow('device_lists'))
      add('e2ee', text, isNews)
    }
    let { owed } = rooms
    const tell = async (stream: RoomStream, scope: ExtensionScope | undefined): Promise<void> => {
      if (scope === undefined) {
        owed = this.#ofRooms.passedOver(stream, before, { ...rooms, owed })
        return
      }
      const news = await follow(stream)
      const found = await this.#ofRooms.told(request, { stream, scope, news }, before, { ...rooms, owed })
      owed = found.owed
      const { text, isNews } =
        stream === 'account_data' ? accountDataText(news, found.told) : ephemeralText(found.told)
      add(stream, text, isNews)
    }
    await tell('account_data', wanted.accountData)
    await tell('receipts', wanted.receipts)
    await tell('typing', wanted.typing)
    const profiles =
      wanted.profiles === undefined
        ? this.#profiles.passedOver(look, before, { ...rooms, owed })
        : await this.#profiles.of(look, wanted.profiles, before, { ...rooms, owed })
    Object.assign(positions, profiles.positions)
    if (profiles.text !== undefined) texts.set(PROFILES, profiles.text)
    hasNews ||= profiles.isNews === true
    await this.#tellOthers({ look, request, wanted, before, rooms }, positions, add)
    owed = profiles.owed ?? owed
    return { texts, positions: { ...this.#begun(before), ...positions }, hasNews, owed }
  }

  /** Threads that the user follows, and sticky events. */
  async #tellOthers(
    {
      look,
      request,
      wanted,
      before,
      rooms,
    }: {
      look: Look
      request: SyncRequest
      wanted: ExtensionRequests
      before: StreamToken
      rooms: ExtensionRooms
    },
    positions: Partial<Record<SyncStream, number | undefined>>,
    add: (name: string, text: string, isNews: boolean) => void,
  ): Promise<void> {
    if (wanted.threadSubscriptions !== undefined) {
      const after = before.thread_subscriptions ?? 0
      const upTo = Math.max(this.#threads.position, after)
      positions.thread_subscriptions = upTo
      const text = await this.#threadsText(look, { ...wanted.threadSubscriptions, after, upTo })
      if (text !== undefined) add(THREAD_SUBSCRIPTIONS, text, true)
    }
    if (wanted.stickyEvents) {
      const told = await this.#sticky.of(look, request, before.sticky, rooms)
      positions.sticky = told.upTo
      // Clients made for Synapse read `next_batch` and give it back as `since`; connections know it without.
      const text = `{"next_batch":"${told.upTo}","rooms":{${told.rooms.join(',')}}}`
      add(STICKY_EVENTS, text, told.rooms.length > 0)
    }
  }

  /** From where that goes on which tells changes alone, and which a client asks for later: what changes meanwhile is told then. */
  #begun(before: StreamToken): StreamToken {
    const sources = this.#of('device_lists')
    if (before.device_lists !== undefined || sources.length === 0) return {}
    return { device_lists: Math.min(...sources.map(source => source.position())) }
  }

  async #e2eeText(request: SyncRequest, news: readonly News[]): Promise<{ text: string; isNews: boolean }> {
    const members = news.flatMap(one => one.members ?? [])
    const always = await Promise.all(this.#of('device_lists').map(source => source.always?.(request) ?? []))
    return { text: `{${[...members, ...always.flat()].join(',')}}`, isNews: members.length > 0 }
  }

  /** Which threads the user has subscribed to or left meanwhile; `undefined` for none. */
  async #threadsText(
    { requester: { userId } }: Look,
    span: Parameters<ThreadSubscriptions['changes']>[1],
  ): Promise<string | undefined> {
    const { isEmpty, changes, older } = await this.#threads.changes(userId, span)
    if (isEmpty) return undefined
    return JSON.stringify({ ...changes, ...(older === undefined ? {} : { prev_batch: older }) })
  }

  /** What is waiting for the device after `since`; what is before it has arrived, and is forgotten. */
  async #toDeviceText(
    { requester: { userId, deviceId } }: Look,
    { since, limit }: { since: number | undefined; limit: number },
  ): Promise<{ text: string; isNews: boolean }> {
    const upTo = Math.max(this.#toDevicePosition(), since ?? 0)
    const after = since ?? 0
    if (deviceId !== undefined && since !== undefined)
      await this.#toDevice.acknowledge(userId, deviceId, since)
    const messages =
      deviceId === undefined || after >= upTo
        ? []
        : await this.#toDevice.waiting(userId, deviceId, { after, upTo }, limit + 1)
    const told = messages.slice(0, limit)
    const next = messages.length > limit ? (told.at(-1)?.position ?? after) : upTo
    const events = told.map(
      ({ type, sender, content }) =>
        `{"type":${JSON.stringify(type)},"sender":${JSON.stringify(sender)},"content":${content}}`,
    )
    return { text: `{"next_batch":"${next}","events":[${events.join(',')}]}`, isNews: told.length > 0 }
  }

  #of(stream: SyncStream): SyncSource[] {
    return this.#sources.filter(source => source.stream === stream)
  }
}

type Told = readonly (readonly [roomId: string, events: readonly string[]])[]

const accountDataText = (news: readonly News[], told: Told): { text: string; isNews: boolean } => {
  const global = news.flatMap(one => one.events?.get('account_data') ?? [])
  const members = told.map(([roomId, events]) => `${JSON.stringify(roomId)}:[${events.join(',')}]`)
  return {
    text: `{"global":[${global.join(',')}],"rooms":{${members.join(',')}}}`,
    isNews: global.length + told.length > 0,
  }
}

const ephemeralText = (told: Told): { text: string; isNews: boolean } => {
  const members = told.map(([roomId, events]) => `${JSON.stringify(roomId)}:${oneEvent(events)}`)
  return { text: `{"rooms":{${members.join(',')}}}`, isNews: told.length > 0 }
}

/** There is one event of a room and kind; receipts of several threads share it. */
const oneEvent = (texts: readonly string[]): string => {
  const [first = '{}', ...others] = texts
  if (others.length === 0) return first
  type Receipts = Record<string, Record<string, Record<string, unknown>>>
  const content: Receipts = {}
  for (const text of texts) {
    for (const [eventId, types] of Object.entries((parseJson(text) as { content: Receipts }).content)) {
      const known = content[eventId] ?? {}
      content[eventId] = known
      for (const [type, users] of Object.entries(types)) {
        // Of one user and event only one can be told: that which holds for the whole room says more.
        const told = Object.entries(known[type] ?? {}).filter(([, receipt]) => !isOfThread(receipt))
        known[type] = { ...known[type], ...users, ...Object.fromEntries(told) }
      }
    }
  }
  return JSON.stringify({ type: 'm.receipt', content })
}

const isOfThread = (receipt: unknown): boolean => isJsonObject(receipt) && receipt['thread_id'] !== undefined
