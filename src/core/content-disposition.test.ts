import test from 'ava'
import { assert, property, string } from 'fast-check'
import { anyCharacter } from '../test-kit/arbitrary-json.ts'
import { randomRuns } from '../test-kit/random-runs.ts'
import { formatContentDisposition, parseContentDisposition } from './content-disposition.ts'
import { contentTypeOf, isMediaId, mayBeInline, parseMxc } from './media.ts'

test('names are quoted, and given a second time in UTF-8 where they need it', t => {
  t.is(formatContentDisposition('inline'), 'inline')
  t.is(formatContentDisposition('inline', ''), 'inline')
  t.is(formatContentDisposition('inline', 'War and Peace.pdf'), 'inline; filename="War and Peace.pdf"')
  t.is(formatContentDisposition('attachment', 'a"b\\c'), 'attachment; filename="a\\"b\\\\c"')
  t.is(
    formatContentDisposition('attachment', 'naïve €.png'),
    `attachment; filename="na_ve _.png"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.png`,
  )
  t.is(
    formatContentDisposition('inline', '50%20.txt'),
    `inline; filename="50%20.txt"; filename*=UTF-8''50%2520.txt`,
  )
  t.is(
    formatContentDisposition('inline', '🐈\ud800'),
    `inline; filename="__"; filename*=UTF-8''%F0%9F%90%88%EF%BF%BD`,
  )
})

test('any name comes back as it was, through a header of plain ASCII', t => {
  assert(
    property(string({ unit: anyCharacter, minLength: 1 }), name => {
      const header = formatContentDisposition('attachment', name)
      t.regex(header, /^[\x20-\x7e]+$/)
      t.deepEqual(parseContentDisposition(header), { type: 'attachment', fileName: name.toWellFormed() })
    }),
    { numRuns: randomRuns(100) },
  )
  t.pass()
})

test('headers of others are read leniently', t => {
  const name = (header: string) => parseContentDisposition(header)?.fileName
  t.is(name('inline; filename=plain.txt'), 'plain.txt')
  t.is(name('Attachment ; FileName = "a;b.txt" ; x=1'), 'a;b.txt')
  t.is(name(`attachment; filename*=utf-8'en'%e2%82%ac; filename="no"`), '€')
  t.is(name(`attachment; filename="no"; filename*=iso-8859-1''%e9`), 'é')
  t.is(name(`attachment; filename="yes"; filename*=UTF-8''%ff`), 'yes', 'broken UTF-8 does not count')
  t.is(name(`attachment; filename="yes"; filename*=UTF-8''%f`), 'yes')
  t.is(name('inline;; filename=a;'), 'a')
  t.is(name('inline; filename=a; filename=b'), 'a')
  t.is(name('inline'), undefined)
  t.is(parseContentDisposition(''), undefined)
  t.is(parseContentDisposition('inline; filename="a'), undefined)
  t.is(parseContentDisposition(`inline; filename="${'a'.repeat(20_000)}"`), undefined)
})

test('whatever comes instead of a header, reading it ends', t => {
  assert(
    property(string({ unit: 'binary-ascii', maxLength: 200 }), text => {
      const read = parseContentDisposition(`inline;${text}`)
      t.true(read === undefined || read.type === 'inline')
    }),
    { numRuns: randomRuns(200) },
  )
  t.is(parseContentDisposition(`inline${'; '.repeat(8_000)}`)?.type, 'inline')
})

test('names of files are plain, and types are sent back only where that is safe', t => {
  t.true(isMediaId('aZ09_-'))
  for (const bad of ['', '.', '..', 'a/b', 'a\\b', 'a%2fb', 'a\0', 'ä', 'a'.repeat(256)])
    t.false(isMediaId(bad), bad)
  t.deepEqual(parseMxc('mxc://a.test:8448/Abc#auto'), { origin: 'a.test:8448', mediaId: 'Abc' })
  for (const bad of ['mxc://a.test/../b', 'mxc://a.test/', 'mxc:///b', 'http://a/b', 'mxc://a b/c'])
    t.is(parseMxc(bad), undefined, bad)
  t.is(contentTypeOf(undefined), 'application/octet-stream')
  t.is(contentTypeOf('text/plain; charset=utf-8'), 'text/plain; charset=utf-8')
  for (const bad of ['png', 'image/', 'a/b\r\nX: y', 'text/plain; ä', `a/${'b'.repeat(300)}`])
    t.is(contentTypeOf(bad), 'application/octet-stream', bad)
  t.true(mayBeInline('Image/PNG; x=y'))
  for (const bad of ['image/svg+xml', 'text/html', 'application/pdf', '']) t.false(mayBeInline(bad), bad)
})
