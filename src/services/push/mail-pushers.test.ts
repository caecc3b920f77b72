import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { mailWords } from '../../core/mail-words/index.ts'
import { type Mail, MailError, type Mailer } from '../../network/mailer.ts'
import type { PushGateway } from '../../network/push-gateway.ts'
import { ThirdPartyIdWriter } from '../../storage/accounts/third-party-ids.ts'
import { UserWriter } from '../../storage/accounts/user-writer.ts'
import type { Database } from '../../storage/database.ts'
import { PusherReader } from '../../storage/push/pushers.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'
import { Receipts } from '../ephemeral/receipts.ts'
import { noEdus } from '../kept-edus.ts'
import { digestMail } from './digest.ts'
import { createPush } from './index.ts'
import type { Announced } from './push-message.ts'

const [ALICE, BOB] = ['@alice:here.test', '@bob:here.test']
const ADDRESS = 'bob@example.org'
const MINUTE = 60_000
const OPTIONS = {
  delay: 10 * MINUTE,
  interval: 60 * MINUTE,
  language: 'en',
  unsubscribeUrl: 'https://here.test/stop',
} as const

const NO_GATEWAY: PushGateway = {
  notify: () => Promise.reject(new Error('nothing is to be sent')),
  close: async () => undefined,
}

const PUSHER = {
  app_id: 'm.email',
  pushkey: ADDRESS,
  kind: 'email',
  app_display_name: 'E-mail',
  device_display_name: ADDRESS,
  lang: 'en',
  data: {},
}

const world = async (t: { teardown(end: () => Promise<void>): void }, database: Database) => {
  const { core, rooms, clock } = await testRooms(database)
  const mails: Mail[] = []
  const failures: MailError[] = []
  const mailer: Mailer = {
    send: async mail => {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      mails.push(mail)
    },
    close: async () => undefined,
  }
  const mail = { mailer, options: OPTIONS }
  const push = createPush({ core, gateway: NO_GATEWAY, mail, clock, log: silentLog })
  push.start()
  t.teardown(() => push.close())
  await database.commit({
    statements: [
      new ThirdPartyIdWriter(database).insert(BOB, {
        ...{ medium: 'email', address: ADDRESS },
        ...{ validatedTs: 1, addedTs: 1 },
      }),
    ],
  })
  const room = newRoom(rooms, ALICE, { isPublic: true, name: 'Tea' })
  const roomId = await rooms.roomCreation.create(room, { isDirect: false })
  await rooms.memberships.join({ userId: BOB, roomId })
  const receipts = new Receipts({ writer: core.writer, clock, keepEdus: noEdus, admits: async () => true })
  let txn = 0
  return {
    ...{ push, clock, mails, failures },
    say: async (body: string) => {
      const { eventId } = await rooms.sending.message(requesterOf(ALICE), {
        ...{ roomId, type: 'm.room.message', txnId: `t${txn++}` },
        content: { msgtype: 'm.text', body },
      })
      await push.counter.counted(database.position('events'))
      return eventId
    },
    read: (eventId: string) => receipts.mark(BOB, roomId, [{ type: 'm.read', eventId }]),
    /** Lets time pass, with what it sets off. */
    pass: async (minutes: number) => {
      // What was said has been planned once somebody waits for it.
      await eventually('it is planned', () => clock.sleeping > 0)
      for (let minute = 0; minute < minutes; minute++) await clock.advance(MINUTE)
    },
  }
}

testDatabases(
  test,
  'who has missed messages is written to once, and then less and less',
  async (t, database) => {
    const { push, clock, mails, failures, say, read, pass } = await world(t, database)
    const { pushers } = push.services
    const requester = requesterOf(BOB)
    const notTheirs = { errcode: 'M_THREEPID_NOT_FOUND', status: 400 }
    t.like(
      await t.throwsAsync(pushers.set(requester, { ...PUSHER, pushkey: 'alice@example.org' })),
      notTheirs,
    )
    t.like(await t.throwsAsync(pushers.set(requester, { ...PUSHER, app_id: 'other' })), {
      errcode: 'M_INVALID_PARAM',
    })
    await pushers.set(requester, { ...PUSHER, pushkey: 'Bob@Example.org' })
    t.like(await pushers.list(BOB), [{ kind: 'email', pushkey: ADDRESS }])
    await pushers.set(requester, { app_id: 'm.email', pushkey: 'BOB@example.org', kind: null })
    t.deepEqual(await pushers.list(BOB), [], 'however it is spelt')
    await pushers.set(requester, PUSHER)

    await read(await say('Read in time'))
    await pass(15)
    t.deepEqual(mails, [])
    await say('One')
    await pass(3)
    await say('Two')
    await eventually('both are told together', async () => {
      await pass(1)
      return mails.length === 1
    })
    const [first] = mails
    t.is(first?.to, ADDRESS)
    t.regex(first?.text ?? '', /One/)
    t.regex(first?.headers?.['List-Unsubscribe'] ?? '', /^<https:\/\/here\.test\/stop\?token=[\w-]{32}>$/)

    const before = clock.now()
    const three = await say('Three')
    await eventually('what came since', async () => {
      await pass(1)
      return mails.length === 2
    })
    t.true(clock.now() - before >= 45 * MINUTE, 'not before an hour after the last one')
    await say('Four')
    await pass(90)
    t.is(mails.length, 2, 'nothing of the last one was read')
    await eventually('later all the same', async () => {
      await pass(10)
      return mails.length === 3
    })
    t.notRegex(mails[2]?.text ?? '', /Three/, 'what was told is not told again')
    await read(three)

    failures.push(new MailError('unreachable', 'no mail server'))
    await say('Five')
    await eventually('a mail server that was away', async () => {
      await pass(30)
      return mails.length === 4
    })
    t.regex(mails[3]?.text ?? '', /Five/)

    const token = /token=([\w-]+)/.exec(first?.text ?? '')?.[1] ?? ''
    t.is(await push.mailPushers?.find('guess'), undefined)
    t.is((await push.mailPushers?.find(token))?.address, ADDRESS)
    t.is((await push.mailPushers?.unsubscribe(token))?.address, ADDRESS)
    t.is(await push.mailPushers?.unsubscribe(token), undefined)
    t.deepEqual(await pushers.list(BOB), [])
    await say('Six')
    await pass(120)
    t.is(mails.length, 4)
  },
)

testDatabases(
  test,
  'whose account is locked is not written to, nor later of what came meanwhile',
  async (t, database) => {
    const { push, mails, say, pass } = await world(t, database)
    await push.services.pushers.set(requesterOf(BOB), PUSHER)
    const users = new UserWriter(database)
    const bob = { userId: BOB, passwordHash: undefined, kind: 'user', isAdmin: false, createdTs: 1 } as const
    await database.commit({ statements: [users.insert(bob), users.setFlag(BOB, 'is_locked', true)] })
    await say('While locked')
    const pushers = new PusherReader(database)
    await eventually('it is passed over', async () => {
      await pass(10)
      const pusher = await pushers.one({ userId: BOB, appId: 'm.email', pushkey: ADDRESS })
      return pusher?.eventPosition === database.position('events')
    })
    t.deepEqual(mails, [])
    await database.commit({ statements: [users.setFlag(BOB, 'is_locked', false)] })
    await say('Afterwards')
    await eventually('of that they are told', async () => {
      await pass(10)
      return mails.length === 1
    })
    t.regex(mails[0]?.text ?? '', /Afterwards/)
    t.notRegex(mails[0]?.text ?? '', /While locked/)
  },
)

test('what people write is no markup, no header and not long', t => {
  const event: Announced = {
    eventId: '$e',
    roomId: '!r',
    type: 'm.room.message',
    sender: '@a:x',
    stateKey: undefined,
    content: { body: `<script>alert(1)</script>\r\nBcc: all\u202e${'x'.repeat(5_000)}` },
    senderDisplayName: 'A\nSubject: won',
    roomName: 'Tea\r\nX: y',
    roomAlias: undefined,
    actions: ['notify'],
  }
  const words = mailWords([], 'en')
  const digest = {
    to: ADDRESS,
    userId: BOB,
    serverName: 'here.test',
    unsubscribeUrl: 'https://x/?token=1',
    words,
  }
  const mail = digestMail({ ...digest, events: [event] })
  t.is(mail.subject, 'a message in Tea X: y')
  t.notRegex(mail.html ?? '', /<script/)
  t.notRegex(mail.text, /\u202e/)
  t.true(mail.text.length < 1_000)
  const many = digestMail({
    ...digest,
    events: Array.from({ length: 300 }, (_, n) => ({ ...event, roomId: `!${n % 20}` })),
  })
  t.is(many.subject, '300 messages in 20 rooms')
  t.regex(many.text, /and in 10 more rooms/)
  t.true(many.text.length < 30_000)
  const encrypted = { ...event, type: 'm.room.encrypted', roomName: undefined, content: { ciphertext: 'x' } }
  t.regex(digestMail({ ...digest, events: [encrypted] }).text, /\(an encrypted message\)/)
  const inGerman = digestMail({ ...digest, words: mailWords(['de-AT'], 'en'), events: [event, encrypted] })
  t.is(inGerman.subject, '2 Nachrichten in Tea X: y')
  t.regex(
    inGerman.html ?? '',
    /<html lang="de">[\s\S]*&lt;script&gt;[\s\S]*\(eine verschlüsselte Nachricht\)/,
  )
})
