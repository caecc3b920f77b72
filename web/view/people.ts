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

/** Of more people than this of one standing one looks for somebody by name. */
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
  /** The last question that is being answered, and the one that is asked after it. */
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
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
    const before = lines
    let left = 0
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
      arrange(items, all.slice(0, MOST).map(lineOf))
      left += Math.max(0, all.length - MOST)
    }
    search.hidden = people.length <= 10
    more.textContent = left > 0 ? say.more(left) : ''
    if (!dialog.contains(document.activeElement) && dialog.matches(':modal')) close.focus()
  }
  const load = async (): Promise<void> => {
    next = undefined
    people = await peopleOf(api, room)
    show()
  }
  /** Where people come and go all the time, one question at a time is asked, and each answer shown. */
  const refresh = (): Promise<void> => {
    if (next !== undefined) return next
    const asked = last.then(load)
    next = asked
    last = asked.catch(() => undefined)
    return asked
  }
  search.addEventListener('input', show)
  let [changes, levels] = [room.memberChanges, levelsOf(room)]
  const stop = store.watch(() => {
    // Out of a room that the user has left there is nobody to be put.
    if (store.room !== room) dialog.close()
    if (changes === room.memberChanges && levels === levelsOf(room)) return
    ;[changes, levels] = [room.memberChanges, levelsOf(room)]
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

/** What says who may do what: the same object as long as nothing of it changes. */
const levelsOf = (room: Room): Json | undefined =>
  room.has('m.room.power_levels') ? room.state('m.room.power_levels') : undefined

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
  const { compare } = new Intl.Collator(words.lang)
  return found.sort((a, b) => (a.power === b.power ? compare(a.name, b.name) : b.power - a.power))
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
  // A name can be anybody's: who is put out is told by what can not.
  const whom = `${name} (${userId})`
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
        button(`${say.remove} …`, say.removeOf(whom), putOut('kick', say.removeOf(whom), say.remove)),
      deeds.includes('ban') &&
        button(`${say.ban} …`, say.banOf(whom), putOut('ban', say.banOf(whom), say.ban)),
      deeds.includes('unban') && button(say.lift, say.liftOf(whom), () => acting(item, lift)),
    ),
  )
  return item
}
