import { Api, type Json, type Session } from './api.ts'
import { h } from './dom.ts'
import { beginKept, forgetKept } from './kept.ts'
import { Outbox } from './outbox.ts'
import { Store } from './store.ts'
import { follow } from './sync.ts'
import { ask } from './view/dialog.ts'
import { inboxView } from './view/inbox.ts'
import { userPicture } from './view/picture.ts'
import { roomView } from './view/room.ts'
import { roomsView } from './view/rooms.ts'
import { signInView } from './view/sign-in.ts'
import { words } from './words.ts'

const KEPT_AS = 'tessera.session'

const keptSession = (): Session | undefined => {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

document.documentElement.lang = words.lang
const app = document.getElementById('app') ?? document.body

const start = (): void => {
  const session = keptSession()
  if (session === undefined) {
    document.body.dataset['view'] = 'sign-in'
    app.replaceChildren(
      signInView(new Api(), made => {
        localStorage.setItem(KEPT_AS, JSON.stringify(made))
        start()
      }),
    )
    return
  }
  beginKept(session.deviceId)
  const api = new Api(session)
  const store = new Store(session.userId)
  const outbox = new Outbox(api, store)
  const stop = follow(api, store, () => outbox.resume())
  const end = (): void => {
    stop()
    // Another tab may have signed in again in the meantime, as somebody else.
    if (keptSession()?.accessToken === session.accessToken) localStorage.removeItem(KEPT_AS)
    forgetKept()
    // A page of its own again, with nothing of the former user in memory.
    location.reload()
  }
  api.onEnded = end
  const trouble = h('p', { class: 'trouble', role: 'status', hidden: true })
  store.watch(() => {
    trouble.hidden = store.isLoaded && store.trouble === undefined
    const said = store.trouble ?? (store.isLoaded ? '' : words.loading)
    if (trouble.textContent !== said) trouble.textContent = said
  })
  const lost = h('p', { class: 'trouble', role: 'status', hidden: true })
  store.watch(() => {
    lost.hidden = store.lost === undefined
    if (store.lost === undefined) return
    const { by, name, reason } = store.lost
    lost.textContent = [words.putOut(by, name), reason].filter(Boolean).join(': ')
  })
  const logOut = (): Promise<Json> => api.post('/logout').finally(end)
  const signOut = (): void => {
    if (outbox.isEmpty) void logOut().catch(() => undefined)
    else ask(words.unsent.loseQuestion, [], words.signOut, logOut)
  }
  app.replaceChildren(
    h(
      'aside',
      {},
      trouble,
      lost,
      inboxView(api, store),
      roomsView(api, store),
      h(
        'footer',
        {},
        userPicture(api, session.userId),
        h('span', { class: 'name' }, session.userId),
        h('button', { class: 'quiet', onclick: signOut }, words.signOut),
      ),
    ),
    roomView(api, store, outbox),
  )
  store.changed()
}

// Another tab has signed in or out: this one shows the same.
addEventListener('storage', ({ key }) => {
  if (key !== KEPT_AS) return
  forgetKept()
  location.reload()
})
start()
