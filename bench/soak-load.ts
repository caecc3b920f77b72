import { pause } from './load.ts'

const password = 'correct horse battery staple'
/** More requests than this are not begun: the server is behind. */
const mostInFlight = 40

interface Person {
  name: string
  userId: string
  deviceId: string
  token: string
  /** Where the next sync goes on. */
  since?: string
}

type Json = Record<string, unknown>

/** People who talk, come and go: a steady load whose working set stays the same. */
export class SoakLoad {
  requests = 0
  failures = 0
  private readonly url: string
  private readonly size: { users: number; rooms: number }
  private readonly people: Person[] = []
  private readonly rooms: string[] = []
  private readonly failed = new Map<string, number>()
  private transactions = 0
  private inFlight = 0

  constructor(url: string, size: { users: number; rooms: number }) {
    this.url = url
    this.size = size
  }

  /** What went wrong, and how often. */
  kinds(): string[] {
    return [...this.failed].map(([what, count]) => `${count} × ${what}`)
  }

  /** Makes people and rooms, all of whom are in all rooms. */
  async prepare(): Promise<void> {
    for (let n = 0; n < this.size.users; n++) {
      const name = `soak${n}`
      const auth = { type: 'm.login.dummy' }
      this.people.push(
        person(name, await this.call('', 'POST', 'v3/register', { username: name, password, auth })),
      )
    }
    for (let n = 0; n < this.size.rooms; n++) {
      const maker = this.somebody()
      const made = await this.call(maker.token, 'POST', 'v3/createRoom', { preset: 'public_chat' })
      const roomId = String(made['room_id'])
      this.rooms.push(roomId)
      for (const { token } of this.people) await this.call(token, 'POST', `v3/rooms/${roomId}/join`)
    }
  }

  /** Begins so many actions a second. @returns what ends that, and waits for those that have begun */
  run(perSecond: number): () => Promise<void> {
    const timer = setInterval(() => void this.act(), 1000 / perSecond)
    return async () => {
      clearInterval(timer)
      while (this.inFlight > 0) await pause(0.1)
    }
  }

  private async act(): Promise<void> {
    if (this.inFlight >= mostInFlight) return
    this.inFlight += 1
    try {
      await this.choose()
    } catch (error) {
      this.failures += 1
      const what = String(error).slice(0, 120)
      if (this.failed.size < 20) this.failed.set(what, (this.failed.get(what) ?? 0) + 1)
    } finally {
      this.inFlight -= 1
    }
  }

  private choose(): Promise<unknown> {
    const who = this.somebody()
    const room = this.rooms[Math.floor(Math.random() * this.rooms.length)] ?? ''
    const dice = Math.random()
    if (dice < 0.4) return this.send(who, room, { msgtype: 'm.text', body: `number ${this.transactions}` })
    if (dice < 0.7) return this.sync(who)
    if (dice < 0.77) return this.read(who, room)
    if (dice < 0.82) return this.comeBack()
    if (dice < 0.9) return this.logInAndOut(who)
    if (dice < 0.95) return this.toDevice(who)
    return this.showFile(who, room)
  }

  private async send(who: Person, room: string, content: Json): Promise<void> {
    const path = `v3/rooms/${room}/send/m.room.message/${++this.transactions}`
    await this.call(who.token, 'PUT', path, content)
  }

  private async sync(who: Person): Promise<void> {
    const since = who.since === undefined ? '' : `&since=${who.since}`
    who.since = String((await this.call(who.token, 'GET', `v3/sync?timeout=0${since}`))['next_batch'])
  }

  private async read(who: Person, room: string): Promise<void> {
    const page = await this.call(who.token, 'GET', `v3/rooms/${room}/messages?dir=b&limit=10`)
    const [newest] = page['chunk'] as { event_id: string }[]
    if (newest) await this.call(who.token, 'POST', `v3/rooms/${room}/receipt/m.read/${newest.event_id}`)
  }

  /** A guest of the room who is in no other: whoever leaves must not be needed by an action under way. */
  private async comeBack(): Promise<void> {
    const room = this.rooms[0] ?? ''
    const { token } = person('soak0', await this.logIn('soak0'))
    await this.call(token, 'POST', `v3/join/${room}`)
    await this.call(token, 'POST', `v3/rooms/${room}/leave`)
    await this.call(token, 'POST', `v3/join/${room}`)
    await this.call(token, 'POST', 'v3/logout')
  }

  private async logInAndOut({ name }: Person): Promise<void> {
    const { token } = person(name, await this.logIn(name))
    await this.call(token, 'GET', 'v3/account/whoami')
    await this.call(token, 'POST', 'v3/logout')
  }

  private logIn(user: string): Promise<Json> {
    const identifier = { type: 'm.id.user', user }
    return this.call('', 'POST', 'v3/login', { type: 'm.login.password', identifier, password })
  }

  private async toDevice(who: Person): Promise<void> {
    const other = this.somebody()
    const path = `v3/sendToDevice/m.dummy/${++this.transactions}`
    await this.call(who.token, 'PUT', path, { messages: { [other.userId]: { [other.deviceId]: {} } } })
  }

  private async showFile(who: Person, room: string): Promise<void> {
    const text = `a file, number ${++this.transactions}`
    const stored = await this.call(who.token, 'POST', 'upload', text)
    await this.send(who, room, { msgtype: 'm.file', body: 'a.txt', url: stored['content_uri'] })
  }

  private somebody(): Person {
    // The first comes and goes.
    const chosen = this.people[1 + Math.floor(Math.random() * (this.people.length - 1))]
    if (chosen === undefined) throw new Error('there is nobody')
    return chosen
  }

  private async call(token: string, method: string, path: string, body: Json | string = {}): Promise<Json> {
    this.requests += 1
    const area = path === 'upload' ? '/_matrix/media/v3' : '/_matrix/client'
    const response = await fetch(`${this.url}${area}/${path}`, {
      method,
      headers: {
        'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const answer = await response.text()
    const kind = path.replaceAll(/[!@$][^/]+|\d{2,}|\?.*/g, '…')
    if (!response.ok) throw new Error(`${method} ${kind}: ${response.status} ${answer.slice(0, 60)}`)
    return JSON.parse(answer) as Json
  }
}

const person = (name: string, body: Json): Person => ({
  name,
  userId: String(body['user_id']),
  deviceId: String(body['device_id']),
  token: String(body['access_token']),
})
