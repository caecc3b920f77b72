import { join } from 'node:path'
import test from 'ava'
import { isClaimed, isCovered } from '../core/app-service.ts'
import { registrations } from '../test-kit/app-service.ts'
import { readAppServices } from './app-service-registrations.ts'
import { OperatorError } from './operator-error.ts'

const irc = {
  id: 'irc',
  url: 'http://localhost:9000/base/',
  as_token: 'a',
  hs_token: 'h',
  sender_localpart: 'bot',
  namespaces: {
    users: [{ exclusive: true, regex: '@_irc\\-.*' }],
    aliases: [{ exclusive: false, regex: '(?i)#TEA' }],
  },
}

test('registrations are read in the order of their names', t => {
  const other = { ...irc, id: 'xmpp', as_token: 'b', sender_localpart: 'xmpp', url: null, namespaces: {} }
  const [first, second] = readAppServices(registrations(t, irc, other), 'here.test')
  t.like(first, {
    id: 'irc',
    url: 'http://localhost:9000/base',
    senderId: '@bot:here.test',
    isRateLimited: true,
    receivesEphemeral: false,
  })
  t.is(second?.url, undefined)
  t.true(isClaimed(first?.users ?? [], '@_irc-x:here.test'))
  t.false(isCovered(first?.users ?? [], '@not_irc-@_irc-x:here.test'), 'from the beginning')
  t.true(isCovered(first?.aliases ?? [], '#tea:here.test'))
  t.false(isClaimed(first?.aliases ?? [], '#tea:here.test'))
  t.deepEqual(readAppServices(undefined, 'here.test'), [])
})

test('the sender may have a name of mixed case, as bridges in use make up', t => {
  const [service] = readAppServices(
    registrations(t, { ...irc, sender_localpart: '8Ht4YFmttIeyR' }),
    'here.test',
  )
  t.is(service?.senderId, '@8Ht4YFmttIeyR:here.test')
})

const refused: readonly (readonly [what: string, services: readonly object[], message: RegExp])[] = [
  ['a missing option', [{ ...irc, hs_token: undefined }], /hs_token must be a text/],
  ['a wrong type', [{ ...irc, rate_limited: 'no' }], /0\.yaml:\d+:\d+: rate_limited must be true or false/],
  ['an address that is none', [{ ...irc, url: 'irc.example' }], /url must be an http or https address/],
  [
    'a regex that is none',
    [{ ...irc, namespaces: { users: [{ regex: '(' }] } }],
    /regex of users that is none/,
  ],
  ['a sender that is no name', [{ ...irc, sender_localpart: 'the bot' }], /sender_localpart/],
  ['a sender elsewhere', [{ ...irc, sender_localpart: 'bot:there.test' }], /sender_localpart/],
  [
    'the same ID twice',
    [irc, { ...irc, as_token: 'b', sender_localpart: 'c' }],
    /1\.yaml: id is the same as in 0/,
  ],
  ['the same token twice', [irc, { ...irc, id: 'b', sender_localpart: 'c' }], /as_token is the same/],
]

for (const [what, services, message] of refused) {
  test(`refused with its place: ${what}`, t => {
    const directory = registrations(t, ...services)
    const error = t.throws(() => readAppServices(directory, 'here.test'), {
      instanceOf: OperatorError,
      message,
    })
    t.true(error?.message.includes(directory))
  })
}

test('a directory that is not there is named', t => {
  const directory = join(registrations(t), 'missing')
  t.throws(() => readAppServices(directory, 'here.test'), { message: new RegExp(directory) })
})
