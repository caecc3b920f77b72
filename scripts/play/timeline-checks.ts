import { inside, listIn, recordIn, sortedJson, textIn } from './json.ts'
import { call } from './people.ts'
import { describe, hasGivenUp, spared } from './server-events.ts'
import type { RoomViews, View } from './views.ts'
import { at, type PlayedRoom, type World } from './world.ts'

type Shown = ReadonlyMap<string, { readonly text: string; readonly ts: number }>

/** All that somebody is shown of a room, page by page. */
const shownTo = async (
  { reader }: View,
  room: PlayedRoom,
  dir: 'b' | 'f',
  found: string[],
): Promise<Shown> => {
  const shown = new Map<string, { text: string; ts: number }>()
  let from = ''
  for (let page = 0; page < 60; page++) {
    const path = `${at(room)}/messages?dir=${dir}&limit=25${from && `&from=${encodeURIComponent(from)}`}`
    const { status, body } = await call(reader, 'GET', path)
    if (status !== 200)
      found.push(`MESSAGES ${room.label} ${dir} ${reader.label} ${status} ${JSON.stringify(body)}`)
    for (const event of listIn(body, 'chunk')) {
      const eventId = textIn(event, 'event_id')
      if (shown.has(eventId)) found.push(`TWICE ${room.label} ${dir} ${reader.server.label} ${eventId}`)
      const isRedacted = inside(event, 'unsigned', 'redacted_because') !== undefined
      const ts = Number(inside(event, 'origin_server_ts'))
      shown.set(eventId, { text: sortedJson([recordIn(event, 'content'), isRedacted]), ts })
    }
    from = textIn(body, 'end')
    if (from === '') break
  }
  return shown
}

/** Backwards and forwards show the same. */
const checkDirections = async (view: View, room: PlayedRoom, back: Shown, found: string[]): Promise<void> => {
  const forth = await shownTo(view, room, 'f', found)
  const odd = [...new Set([...back.keys(), ...forth.keys()])].filter(id => back.has(id) !== forth.has(id))
  if (odd.length > 0)
    found.push(
      `DIRECTIONS ${room.label} ${view.server.label}: ${odd.map(id => `${id} only ${back.has(id) ? 'back' : 'forth'}`).join(', ')}`,
    )
}

/** What is around an event is what the pages have around it. */
const checkContext = async (view: View, room: PlayedRoom, back: Shown, found: string[]): Promise<void> => {
  const order = [...back.keys()].reverse()
  const middle = order[Math.floor(order.length / 2)]
  if (middle === undefined) return
  const path = `${at(room)}/context/${encodeURIComponent(middle)}?limit=8`
  const { status, body } = await call(view.reader, 'GET', path)
  const ids = (name: string): string[] => listIn(body, name).map(event => textIn(event, 'event_id'))
  const around = [...ids('events_before').reverse(), middle, ...ids('events_after')]
  const start = order.indexOf(around[0] ?? '')
  const same = sortedJson(order.slice(start, start + around.length)) === sortedJson(around)
  if (status !== 200 || !same)
    found.push(
      `CONTEXT ${room.label} ${view.server.label} ${status} of ${middle}: ${around.join(' ')} — pages: ${order.slice(Math.max(0, start), start + around.length).join(' ')}`,
    )
}

/** At the instant of an event that all have, it is found on each server, or another of the same instant. */
const checkInstants = async (
  { room, views }: RoomViews,
  shown: readonly Shown[],
  found: string[],
): Promise<void> => {
  const common = [...(shown[0] ?? [])].filter(([id]) => shown.every(each => each.has(id)))
  const middle = common[Math.floor(common.length / 2)]?.[1].ts
  if (middle === undefined) return
  for (const dir of ['f', 'b'] as const) {
    const answers: string[] = []
    for (const { reader } of views) {
      const path = `/_matrix/client/v1${at(room)}/timestamp_to_event?dir=${dir}&ts=${middle}`
      const { status, body } = await call(reader, 'GET', path)
      answers.push(`${status} ${inside(body, 'origin_server_ts') ?? textIn(body, 'errcode')}`)
    }
    if (new Set(answers).size > 1)
      found.push(`INSTANT ${room.label} ${dir} ${middle} — ${answers.join(' — ')}`)
  }
}

const checkShown = (world: World, { room, views }: RoomViews, shown: readonly Shown[]): string[] => {
  const sparedEvents = new Set(views.flatMap(({ server }) => [...spared(server, room)]))
  return [...new Set(shown.flatMap(each => [...each.keys()]))].flatMap(eventId => {
    const texts = shown.map(each => each.get(eventId)?.text)
    const isSoft = views.some(({ fates }) => fates.get(eventId) === 'soft-failed')
    const excused = texts.every((text, index) => {
      const server = views[index]?.server
      return text !== undefined || isSoft || (server !== undefined && hasGivenUp(server, room))
    })
    const present = new Set(texts.filter(text => text !== undefined))
    if (excused && (present.size === 1 || sparedEvents.has(eventId))) return []
    const sides = views.map(
      ({ server, fates }, index) => `${server.label} (${fates.get(eventId)}): ${texts[index] ?? 'not shown'}`,
    )
    return [`SHOWN ${room.label} ${eventId} ${describe(world, eventId)} — ${sides.join(' — ')}`]
  })
}

/** How what people are shown of a room differs between servers, and between the ways of asking one. */
export const checkTimeline = async (world: World, roomViews: RoomViews): Promise<string[]> => {
  const { room, views } = roomViews
  const found: string[] = []
  const shown: Shown[] = []
  for (const view of views) {
    // What is missing is fetched while somebody looks.
    await shownTo(view, room, 'b', [])
    const back = await shownTo(view, room, 'b', found)
    shown.push(back)
    // Synapse shows forwards, and after an event, by when it heard of things: not what it fetched, and in another order.
    if (view.server.kind !== 'ours') continue
    await checkDirections(view, room, back, found)
    await checkContext(view, room, back, found)
  }
  if (room.isHidden) return found
  await checkInstants(roomViews, shown, found)
  return [...found, ...checkShown(world, roomViews, shown)]
}
