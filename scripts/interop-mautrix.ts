/**
 * `npm run interop:mautrix`: a bridge of mautrix-go (built with the Go toolchain of this machine, no dependency of ours) works for
 * somebody whose client is matrix-js-sdk: registration file, ghosts, double puppets, history, encryption by transactions, and
 * what becomes of messages while the bridge, or the server, is dead.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventType, type MatrixEvent, Preset } from 'matrix-js-sdk'
import { freePort } from '../bench/free-port.ts'
import { megolm, password } from '../federation-tests/js-sdk-people.ts'
import { type Running, startProgram } from '../federation-tests/program.ts'
import { type SdkUser, startSdkUser } from '../src/test-kit/js-sdk.ts'
import { expect } from './interop-parts.ts'

const BOT = '@echobot:localhost'
const ECHOER = '@echo_echoer:localhost'
const WATCHER = '@echo_watcher:localhost'
const DOUBLE_PUPPET_TOKEN = 'token-of-double-puppets'

const ends: (() => unknown)[] = []
const scope = { teardown: (end: () => unknown) => void ends.push(end) }

/** Builds the bridge; the first time this takes minutes. */
const buildBridge = (directory: string): string => {
  const source = join(directory, 'source')
  cpSync(new URL('interop-mautrix', import.meta.url), source, { recursive: true })
  const binary = join(directory, 'echo')
  execFileSync('go', ['build', '-mod=mod', '-tags', 'goolm', '-o', binary, '.'], {
    cwd: source,
    stdio: 'inherit',
    env: { ...process.env, CGO_ENABLED: '1' },
  })
  return binary
}

/** The settings of the bridge, as a file of YAML (which JSON is); it adds what is left out. */
const settings = (serverPort: number, bridgePort: number): string =>
  JSON.stringify({
    bridge: { permissions: { localhost: 'admin' } },
    database: { type: 'sqlite3-fk-wal', uri: 'file:bridge.db?_txlock=immediate' },
    homeserver: { address: `http://127.0.0.1:${serverPort}`, domain: 'localhost' },
    appservice: {
      address: `http://127.0.0.1:${bridgePort}`,
      hostname: '127.0.0.1',
      port: bridgePort,
      id: 'echo',
      bot: { username: 'echobot' },
      username_template: 'echo_{{.}}',
      ephemeral_events: true,
    },
    matrix: { delivery_receipts: true },
    backfill: { enabled: true },
    double_puppet: { secrets: { localhost: `as_token:${DOUBLE_PUPPET_TOKEN}` } },
    encryption: {
      ...{ allow: true, default: true, appservice: true, msc4190: true, self_sign: true },
      pickle_key: 'interop',
    },
    logging: { min_level: 'warn', writers: [{ type: 'stderr', format: 'pretty' }] },
  })

/** What lets a bridge act for people who ask it to, as its documentation has it. */
const doublePuppets = JSON.stringify({
  ...{ id: 'doublepuppet', url: null, as_token: DOUBLE_PUPPET_TOKEN, hs_token: 'never used' },
  ...{ sender_localpart: 'neverUsed', rate_limited: false },
  namespaces: { users: [{ regex: '@.*:localhost', exclusive: false }] },
})

const startBridge = (binary: string, directory: string): ChildProcess => {
  const bridge = spawn(binary, ['-c', 'config.yaml'], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  scope.teardown(() => bridge.kill('SIGKILL'))
  return bridge
}

const kill = async (process: ChildProcess): Promise<void> => {
  const gone = once(process, 'exit')
  process.kill('SIGKILL')
  await gone
}

/** Tells the bot something in its own, encrypted, room, until its answer holds `answer`. */
const tellBot = async (user: SdkUser, roomId: string, text: string, answer: string): Promise<void> => {
  await user.client.sendTextMessage(roomId, text)
  await sees(user, roomId, `an answer with "${answer}"`, event => textOf(event).includes(answer))
}

const textOf = (event: MatrixEvent): string => String(event.getContent()['body'] ?? '')

const sees = (
  user: SdkUser,
  roomId: string,
  what: string,
  holds: (event: MatrixEvent) => boolean,
): Promise<MatrixEvent> =>
  user.until(what, client =>
    client
      .getRoom(roomId)
      ?.getLiveTimeline()
      .getEvents()
      .find(event => event.status === null && holds(event)),
  )

/** Opens a room with the bot and logs in there; answers the room of the chat, in which the double puppet already is. */
const logIn = async (user: SdkUser): Promise<string> => {
  const { room_id: roomId } = await user.client.createRoom({
    ...{ is_direct: true, invite: [BOT], preset: Preset.TrustedPrivateChat },
    initial_state: [{ type: EventType.RoomEncryption, state_key: '', content: { algorithm: megolm } }],
  })
  await user.membership(roomId, 'join', BOT)
  await tellBot(user, roomId, 'login name', 'Name')
  await tellBot(user, roomId, 'ann', 'Hello ann')
  const chat = await user.until('the chat', client => client.getRooms().find(({ name }) => name === 'Echoes'))
  await user.membership(chat.roomId, 'join')
  return chat.roomId
}

/** What was said before anybody was there has its old time. */
const readHistory = async (user: SdkUser, chat: string): Promise<void> => {
  const old = await user.message(chat, 'long ago')
  expect('the time of an old message', old.getTs(), 1_000_000_000_000)
  await user.until('the tag', client => client.getRoom(chat)?.tags['m.favourite'])
}

/** What comes back of a text, as it was before it was edited. */
const echoOf = (user: SdkUser, chat: string, text: string): Promise<MatrixEvent> =>
  sees(
    user,
    chat,
    `the echo of "${text}"`,
    event => event.getOriginalContent()['body'] === `echo of "${text}"`,
  )

/** Somebody says something, and everything follows. */
const talk = async (user: SdkUser, chat: string, text: string): Promise<void> => {
  const { event_id: said } = await user.client.sendTextMessage(chat, text)
  const echo = await echoOf(user, chat, text)
  expect('who echoes', echo.getSender(), ECHOER)
  expect('the echo is encrypted', echo.getWireType(), EventType.RoomMessageEncrypted)
  const phone = await user.message(chat, `phone of "${text}"`)
  expect('whose phone', phone.getSender(), user.userId)
  await sees(user, chat, 'the reaction', event => event.getRelation()?.event_id === said)
  await sees(user, chat, 'the edit', event => event.getRelation()?.rel_type === 'm.replace')
  await sees(user, chat, 'what was taken back', event => event.getSender() === WATCHER && event.isRedacted())
  await user.until('the receipt', client =>
    client.getRoom(chat)?.hasUserReadEvent(WATCHER, said) === true ? true : undefined,
  )
}

const run = async (directory: string): Promise<void> => {
  const binary = buildBridge(directory)
  const [port, bridgePort] = [await freePort(), await freePort()]
  const [place, services, data] = [join(directory, 'bridge'), join(directory, 'as'), join(directory, 'data')]
  for (const each of [place, services, data]) mkdirSync(each)
  writeFileSync(join(place, 'config.yaml'), settings(port, bridgePort))
  const registration = join(services, 'echo.yaml')
  execFileSync(binary, ['-g', '-c', 'config.yaml', '-r', registration], { cwd: place })
  writeFileSync(join(services, 'double-puppets.yaml'), doublePuppets)
  const startServer = (): Promise<Running> =>
    startProgram(scope, data, {
      PORT: String(port),
      TESSERA__APPLICATION_SERVICES__DIRECTORY: services,
    })
  let server = await startServer()
  let bridge = startBridge(binary, place)
  const url = `http://127.0.0.1:${port}`
  const body = JSON.stringify({ username: 'ann', password, auth: { type: 'm.login.dummy' } })
  await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body })
  const ann = await startSdkUser(url, 'ann', password)
  const chat = await logIn(ann)
  console.log('✔ a bridge is registered, and somebody logs in')
  await readHistory(ann, chat)
  console.log('✔ history has its own times, and the double puppet its tags')
  await talk(ann, chat, 'hello')
  console.log('✔ ghosts echo, encrypted, read, react, edit and take back; the double puppet talks, too')
  await kill(bridge)
  await ann.client.sendTextMessage(chat, 'is anybody there')
  await server.kill()
  server = await startServer()
  bridge = startBridge(binary, place)
  await echoOf(ann, chat, 'is anybody there')
  await talk(ann, chat, 'back')
  console.log('✔ what was said while the bridge was dead comes back, after the server was killed, too')
}

const directory = mkdtempSync(join(tmpdir(), 'tessera-interop-mautrix-'))
const failure = await run(directory).then(
  () => undefined,
  (error: unknown) => error,
)
for (const end of ends.reverse()) end()
rmSync(directory, { recursive: true, force: true })
if (failure !== undefined) console.log(failure)
// The SDK leaves timers behind.
process.exit(failure === undefined ? 0 : 1)
