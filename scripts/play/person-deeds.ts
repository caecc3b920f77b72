import { deflateSync } from 'node:zlib'
import { recordIn, textIn } from './json.ts'
import { call, type Device, logIn, type Person, transfer } from './people.ts'
import { recent } from './room-deeds.ts'
import { at, type Deed, type Deeds, type Turn } from './world.ts'

const receipt: Deed = turn => {
  const kind = turn.rng.pick(['m.read', 'm.read', 'm.read', 'm.read.private', 'm.fully_read'])
  const thread = turn.rng.pick([undefined, undefined, 'main', recent(turn)])
  const body = thread === undefined || kind === 'm.fully_read' ? {} : { thread_id: thread }
  return call(turn.who, 'POST', `${at(turn.room)}/receipt/${kind}/${encodeURIComponent(recent(turn))}`, body)
}

const typing: Deed = ({ rng, who, room }) => {
  const body = rng.chance(0.5) ? { typing: true, timeout: 5000 } : { typing: false }
  return call(who, 'PUT', `${at(room)}/typing/${encodeURIComponent(who.id)}`, body)
}

const presence: Deed = ({ rng, world, who }) =>
  call(who, 'PUT', `/presence/${encodeURIComponent(who.id)}/status`, {
    presence: rng.pick(['online', 'unavailable']),
    status_msg: `s${world.next()}`,
  })

const profile: Deed = ({ rng, world, who }) => {
  const n = world.next()
  const [field, value] = rng.chance(0.7)
    ? ['displayname', `${who.label} ${n}`]
    : ['avatar_url', `mxc://${who.server.name}/p${n}`]
  return call(who, 'PUT', `/profile/${encodeURIComponent(who.id)}/${field}`, { [field]: value })
}

/** To one device or to all of them; what each of them should get is kept. */
const toDevice: Deed = async ({ rng, world, who }) => {
  const to = rng.pick(world.people)
  const name = `d${world.seed}-${world.next()}`
  const devices = rng.chance(0.3) ? [...to.devices] : [rng.pick(to.devices)]
  const target = devices.length === to.devices.length && rng.chance(0.7) ? '*' : undefined
  const messages = {
    [to.id]: Object.fromEntries(devices.map(({ id }) => [target ?? id, { name, from: who.id }])),
  }
  const started = world.next()
  const done = await call(who, 'PUT', `/sendToDevice/x.test/${name}`, { messages })
  const answered = world.next()
  if (done.status === 200)
    for (const { id: deviceId } of devices)
      world.toDevice.push({ from: who, to, deviceId, name, started, answered })
  return { ...done, note: to.label }
}

const keysOf = (who: Person, { id }: Device, n: number): object => ({
  user_id: who.id,
  device_id: id,
  algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
  keys: { [`curve25519:${id}`]: `c${n}`.padEnd(43, 'A'), [`ed25519:${id}`]: 'e'.padEnd(43, 'A') },
  signatures: { [who.id]: { [`ed25519:${id}`]: 'c2ln' } },
})

const uploadKeys: Deed = ({ rng, world, who }) => {
  const device = rng.pick(who.devices)
  const n = world.next()
  const oneTime = { [`signed_curve25519:K${n}`]: { key: `k${n}`.padEnd(43, 'A'), signatures: {} } }
  const body = rng.chance(0.5) ? { device_keys: keysOf(who, device, n) } : { one_time_keys: oneTime }
  return call(who, 'POST', '/keys/upload', body, device)
}

/** Keys that devices are signed by; later ones replace them only with proof of who asks, so most of these are refused. */
const crossSign: Deed = ({ world, who }) => {
  const key = (usage: string): object => {
    const value = `${usage.slice(0, 1)}${world.next()}`.padEnd(43, 'A')
    const signatures = { [who.id]: { 'ed25519:x': 'c2ln' } }
    return { user_id: who.id, usage: [usage], keys: { [`ed25519:${value}`]: value }, signatures }
  }
  return call(who, 'POST', '/keys/device_signing/upload', {
    master_key: key('master'),
    auth: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: who.id },
      password: `${who.label} likes tea`,
    },
  })
}

const claim: Deed = async ({ rng, world, who }) => {
  const of = rng.pick(world.people)
  const { id } = rng.pick(of.devices)
  const one_time_keys = { [of.id]: { [id]: 'signed_curve25519' } }
  const done = await call(who, 'POST', '/keys/claim', { timeout: 5000, one_time_keys })
  const given = Object.keys(recordIn(done.body, 'one_time_keys', of.id, id))
  world.claimed.push(...given.map(name => `${of.label} ${id} ${name}`))
  return { ...done, note: of.label }
}

const device: Deed = ({ rng, world, who }) => {
  if (!rng.chance(0.6) && !who.isGuest && who.devices.length < 4) return logIn(who)
  const { id } = rng.pick(who.devices)
  return call(who, 'PUT', `/devices/${id}`, { display_name: `device ${world.next()}` })
}

/** Signs out of the newest of several devices. */
const logOut: Deed = async ({ who }) => {
  const gone = who.devices.length > 1 ? who.devices.pop() : undefined
  return gone === undefined ? { status: 200, body: {} } : call(who, 'POST', '/logout', {}, gone)
}

const query: Deed = async ({ rng, world, who }) => {
  const of = rng.pick(world.people)
  const { status, body } = await call(who, 'POST', '/keys/query', { device_keys: { [of.id]: [] } })
  return { status, body: status === 200 ? {} : body, note: of.label }
}

const table = Array.from({ length: 256 }, (_, n) => {
  let crc = n
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc >>> 0
})

const part = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type), data])
  let crc = 0xffffffff
  for (const byte of body) crc = (table[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8)
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return Buffer.concat([length, body, sum])
}

/** A picture of one grey, as PNG. */
const picture = (side: number, grey: number): Buffer<ArrayBuffer> => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side)
  header.writeUInt32BE(side, 4)
  header[8] = 8
  const rows = Buffer.alloc(side * (side + 1), grey)
  for (let row = 0; row < side; row++) rows[row * (side + 1)] = 0
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([
    signature,
    part('IHDR', header),
    part('IDAT', deflateSync(rows)),
    part('IEND', Buffer.alloc(0)),
  ])
}

const upload: Deed = async ({ rng, world, who }) => {
  const bytes = picture(100 + rng.below(200), rng.below(256))
  const { status, body } = await transfer(who, '/_matrix/media/v3/upload?filename=grey.png', bytes)
  if (status === 200) world.files.push({ uri: textIn(body, 'content_uri'), bytes })
  return { status, body, note: textIn(body, 'content_uri') }
}

/** The authenticated path of a file, below which its thumbnails are, too. */
export const filePath = (uri: string, what: 'download' | 'thumbnail'): string =>
  `/_matrix/client/v1/media/${what}/${uri.slice('mxc://'.length)}${what === 'thumbnail' ? '?width=32&height=32&method=scale' : ''}`

const lookAt = async ({ rng, world, who }: Turn, what: 'download' | 'thumbnail') => {
  if (world.files.length === 0) return { status: 200, body: {} }
  const { uri } = rng.pick(world.files)
  const { status, body } = await transfer(who, filePath(uri, what))
  return { status, body, note: uri }
}

/** What people do for themselves and among each other, beside rooms. */
export const personDeeds: Deeds = {
  receipt: [4, receipt],
  typing: [1, typing],
  presence: [1.5, presence],
  profile: [2.5, profile],
  'to device': [5, toDevice],
  'upload keys': [3, uploadKeys],
  'cross-sign': [0.7, crossSign],
  claim: [2, claim],
  device: [2, device],
  'log out': [0.6, logOut],
  query: [1.5, query],
  upload: [0.7, upload],
  download: [0.7, turn => lookAt(turn, 'download')],
  thumbnail: [0.7, turn => lookAt(turn, 'thumbnail')],
}
