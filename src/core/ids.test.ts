import test from 'ava'
import fc from 'fast-check'
import { anyText } from '../test-kit/arbitrary-json.ts'
import {
  fitsBytes,
  isCompliantUserId,
  isEventId,
  isHistoricalUserId,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  isValidNewLocalpart,
  localpartOf,
  parseServerName,
  serverNameOf,
} from './ids.ts'

test('reads server names', t => {
  t.deepEqual(parseServerName('matrix.org'), { host: 'matrix.org', kind: 'dns' })
  t.deepEqual(parseServerName('matrix.org:8888'), { host: 'matrix.org', port: 8888, kind: 'dns' })
  t.deepEqual(parseServerName('MATRIX.org'), { host: 'MATRIX.org', kind: 'dns' })
  t.deepEqual(parseServerName('1.2.3.4'), { host: '1.2.3.4', kind: 'ipv4' })
  t.deepEqual(parseServerName('1.2.3.4:1234'), { host: '1.2.3.4', port: 1234, kind: 'ipv4' })
  t.deepEqual(parseServerName('[1234:5678::abcd]'), { host: '1234:5678::abcd', kind: 'ipv6' })
  t.deepEqual(parseServerName('[1234:5678::abcd]:5678'), {
    host: '1234:5678::abcd',
    port: 5678,
    kind: 'ipv6',
  })
  t.deepEqual(parseServerName('[::ffff:1.2.3.4]'), { host: '::ffff:1.2.3.4', kind: 'ipv6' })
  t.deepEqual(parseServerName('localhost'), { host: 'localhost', kind: 'dns' })
  t.deepEqual(parseServerName('1.2.3'), { host: '1.2.3', kind: 'dns' })
})

test('refuses what is no server name', t => {
  const refused = [
    '',
    ':80',
    'a:',
    'a:b',
    'a:123456',
    'a:65536',
    'a b',
    'a_b',
    'exämple.org',
    'a/b',
    'a@b',
    'a.org\n',
    '256.1.1.1',
  ]
  refused.push(
    '::1',
    '[::1',
    '::1]',
    '[1.2.3.4]',
    '[:::1]',
    '[fe80::1%eth0]',
    'a:+1',
    'a: 1',
    'a:1:2',
    `${'a'.repeat(256)}`,
  )
  for (const name of refused) t.is(parseServerName(name), undefined, name)
})

test('splits identifiers at the first colon', t => {
  t.is(serverNameOf('@a:b.org:8448'), 'b.org:8448')
  t.is(serverNameOf('@a:[::1]:8448'), '[::1]:8448')
  t.is(serverNameOf('!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM'), '')
  t.is(localpartOf('@a:b.org:8448'), 'a')
  t.is(localpartOf('@:b.org'), '')
  t.is(localpartOf('!opaque'), 'opaque')
})

test('accepts historical user IDs, and tells them from today’s', t => {
  for (const id of ['@a:b', '@a.b_c=d-e/f+g0:b.org:80', '@x:[::1]']) {
    t.true(isUserId(id), id)
    t.false(isHistoricalUserId(id), id)
    t.true(isCompliantUserId(id), id)
  }
  for (const id of ['@A:b', '@a!b:b', '@~:b', '@@:b']) {
    t.true(isUserId(id), id)
    t.true(isHistoricalUserId(id), id)
    t.true(isCompliantUserId(id), id)
  }
  for (const id of ['@:b', '@é:b', '@a b:b', '@\u0001:b', '@\u{1f600}:b']) {
    t.true(isUserId(id), id)
    t.true(isHistoricalUserId(id), id)
    t.false(isCompliantUserId(id), id)
  }
  for (const id of [
    '',
    '@',
    'a:b',
    '@a',
    '@a:',
    '@a:b c',
    '@a\0:b',
    '@\ud800:b',
    '#a:b',
    `@${'a'.repeat(253)}:b`,
  ]) {
    t.false(isUserId(id), id)
    t.false(isHistoricalUserId(id), id)
    t.false(isCompliantUserId(id), id)
  }
  t.true(isUserId(`@${'a'.repeat(252)}:b`))
  t.true(isUserId(`@${'é'.repeat(126)}:b`))
  t.false(isUserId(`@${'é'.repeat(127)}:b`))
})

test('gives new users only what the grammar allows', t => {
  for (const name of ['a', 'a.b_c=d-e/f+g0', 'a'.repeat(252)]) t.true(isValidNewLocalpart(name, 'b'))
  for (const name of ['', 'A', 'é', 'a b', 'a:b', '@a', 'a\n', 'a'.repeat(253)])
    t.false(isValidNewLocalpart(name, 'b'))
})

test('room IDs, aliases and event IDs', t => {
  for (const id of ['!a:b', '!é:b:80', '!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM'])
    t.true(isRoomId(id), id)
  for (const id of ['!', 'a:b', '!a:', '!a:b c', '!\0:b', '#a:b', `!${'a'.repeat(255)}`])
    t.false(isRoomId(id), id)
  for (const id of ['#a:b', '#日本:b', '#:b', '##a b:b']) t.true(isRoomAlias(id), id)
  for (const id of ['#a', 'a:b', '#a:b c', '#a\0:b', `#${'é'.repeat(127)}:b`]) t.false(isRoomAlias(id), id)
  for (const id of ['$a:b', '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk', '$a']) t.true(isEventId(id), id)
  for (const id of ['$', '', 'a', '!a:b', `$${'a'.repeat(255)}`]) t.false(isEventId(id), id)
})

test('counts bytes', t => {
  fc.assert(
    fc.property(
      anyText,
      fc.nat(40),
      (text, limit) => fitsBytes(text, limit) === Buffer.byteLength(text) <= limit,
    ),
  )
  t.true(fitsBytes('é'.repeat(5), 10))
  t.false(fitsBytes('é'.repeat(5), 9))
})

test('a user ID has a server name and a localpart that make it up again', t => {
  const name = fc.constantFrom('b', 'b.org:80', '[::1]:80', '1.2.3.4')
  fc.assert(
    fc.property(anyText, name, (localpart, server) => {
      const id = `@${localpart}:${server}`
      if (!isUserId(id)) return
      t.true(isServerName(serverNameOf(id)))
      t.is(`@${localpartOf(id)}:${serverNameOf(id)}`, id)
    }),
  )
})
