import { type Api, type Json, list, object, path, text } from '../api.ts'
import { acting, arrange, facts, h } from '../dom.ts'
import { localpart, visible } from '../names.ts'
import { type Deed, mayPutOut, powerOf } from '../power.ts'
import type { Room } from '../room.ts'
import type { Store } from '../store.ts'
import { words } from '../words.ts'
import { ask } from './dialog.ts'
import { userPicture } from './picture.ts'

const { people: say } = words

/** In this order they are listed. */
const STANDINGS = ['join', 'invite', 'knock', 'ban'] as const
type Standing = (typeof STANDINGS)[number]

/** Of more people than this one looks for somebody by name. */
const MOST = 100

interface Person {
  readonly userId: string
  readonly name: string
  readonly standing: Standing
  readonly power: number
}

/** Shows who is in a room, who is to come and who may not, and lets whoever may put people out. */
export const showPeople = (api: Api, store: Store, room: Room): void => {
  let people: readonly Person[] = []
  /** What stays the same keeps its line, and what has the focus there. */
  let lines = new Map<string, HTMLElement>()
  /** The answer to the last question counts, whichever comes last. */
  let asked = 0
  const places = STANDINGS.map(standing => ({ standing, heading: h('h3', {}), items: h('ul') }))
  const more = h('p', { role: 'status' })
  const search = h('input', { type: 'search', 'aria-label': say.find, placeholder: say.find, hidden: true })
  const body = h('div', { class: 'people' }, ...places.flatMap(({ heading, items }) => [heading, items]))
  const close = h('button', { class: 'quiet', onclick: () => dialog.close() }, say.close)
  const dialog = h(
    'dialog',
    { class: 'wide', 'aria-label': say.title },
    ...[h('h2', {}, say.title), search, body, more, h('div', { class: 'row end' }, close)],
  )
  const show = (): void => {
    const wanted = search.value.trim().toLowerCase()
    const found = people.filter(({ name, userId }) => `${name}\n${userId}`.toLowerCase().includes(wanted))
    const shown = new Set(found.slice(0, MOST))
    const before = lines
    lines = new Map()
    const lineOf = (person: Person): HTMLElement => {
      const key = JSON.stringify([person, deedsOf(store, room, person)])
      const line = before.get(key) ?? itemOf({ api, store, room, person }, refresh)
      lines.set(key, line)
      return line
    }
    for (const { standing, heading, items } of places) {
      const all = found.filter(person => person.standing === standing)
      heading.hidden = all.length === 0
      heading.textContent = say.standing[standing](all.length)
      arrange(items, all.filter(person => shown.has(person)).map(lineOf))
    }
    search.hidden = people.length <= 10
    more.textContent = found.length > MOST ? say.more(found.length - MOST) : ''
    if (!dialog.contains(document.activeElement) && dialog.matches(':modal')) close.focus()
  }
  const refresh = (): Promise<void> => {
    const question = ++asked
    return peopleOf(api, room).then(found => {
      if (question !== asked) return
      people = found
      show()
    })
  }
  search.addEventListener('input', show)
  let changes = room.memberChanges
  const stop = store.watch(() => {
    // Out of a room that the user has left there is nobody to be put.
    if (store.room !== room) dialog.close()
    if (changes === room.memberChanges) return
    changes = room.memberChanges
    void refresh().catch(() => undefined)
  })
  dialog.addEventListener('close', () => {
    stop()
    dialog.remove()
  })
  document.body.append(dialog)
  dialog.showModal()
  acting(body, refresh)
}

const peopleOf = async (api: Api, room: Room): Promise<Person[]> => {
  const { chunk } = await api.get(`${path`/rooms/${room.id}/members`}?not_membership=leave`)
  const found = list(chunk).flatMap((event: Json): Person[] => {
    const userId = text(event['state_key'])
    const { membership, displayname } = object(event['content'])
    const standing = STANDINGS.find(each => each === membership)
    if (userId === undefined || standing === undefined) return []
    const name = visible(displayname) ?? localpart(userId)
    return [{ userId, name, standing, power: powerOf(room, userId) }]
  })
  return found.sort(
    (a, b) => (a.power === b.power ? 0 : b.power - a.power) || a.name.localeCompare(b.name, words.lang),
  )
}

interface Shown {
  readonly api: Api
  readonly store: Store
  readonly room: Room
  readonly person: Person
}

/** What the user may do to somebody. */
const deedsOf = (store: Store, room: Room, { userId, standing }: Person): (Deed | 'unban')[] => {
  const deeds = (['kick', 'ban'] as const).filter(deed => mayPutOut(room, store.userId, userId, deed))
  if (standing !== 'ban') return deeds
  return deeds.length === 2 ? ['unban'] : []
}

const roleOf = ({ power }: Person): string =>
  power >= 100 ? say.administrator : power >= 50 ? say.moderator : ''

const itemOf = ({ api, store, room, person }: Shown, refresh: () => Promise<void>): HTMLElement => {
  const { userId, name } = person
  const deeds = deedsOf(store, room, person)
  const button = (label: string, spoken: string, act: () => void): HTMLElement =>
    h('button', { class: 'quiet small', 'aria-label': spoken, onclick: act }, label)
  const putOut = (deed: Deed, question: string, label: string) => (): void =>
    ask(
      question,
      [{ name: 'reason', label: say.reason, isOptional: true }],
      label,
      async ({ reason = '' }) => {
        await api.post(path`/rooms/${room.id}/${deed}`, {
          user_id: userId,
          ...(reason === '' ? {} : { reason }),
        })
        await refresh()
        return {}
      },
    )
  const lift = async (): Promise<void> => {
    await api.post(path`/rooms/${room.id}/unban`, { user_id: userId })
    await refresh()
  }
  const item = h(
    'li',
    { class: 'row', 'data-user': userId },
    userPicture(api, userId),
    h(
      'div',
      { class: 'what' },
      h('strong', { dir: 'auto' }, name),
      h('small', {}, ...facts(userId, roleOf(person))),
    ),
    h(
      'div',
      { class: 'row' },
      deeds.includes('kick') &&
        button(`${say.remove} …`, say.removeOf(name), putOut('kick', say.removeOf(name), say.remove)),
      deeds.includes('ban') &&
        button(`${say.ban} …`, say.banOf(name), putOut('ban', say.banOf(name), say.ban)),
      deeds.includes('unban') && button(say.lift, say.liftOf(name), () => acting(item, lift)),
    ),
  )
  return item
}
