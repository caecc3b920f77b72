import test from 'ava'
import { array, assert, constantFrom, property, string, uint8Array } from 'fast-check'
import { anyCharacter } from '../../../test-kit/arbitrary-json.ts'
import { decodePage } from './charset.ts'
import { decodeEntities } from './entities.ts'
import { readHead } from './html-head.ts'

test('titles and meta elements are found, whatever their spelling', t => {
  const { title, metas } = readHead(`<!DOCTYPE html><html><head>
    <!-- <title>no</title> <meta name=a content=no> -->
    <script>"<meta name='a' content='no'>"</script>
    <TITLE lang=en>Tea &amp; cake
      &#8211; &#x1F370;</TITLE><title>second</title>
    <meta property="og:title" content="A &quot;title&quot;"/><META NAME='Description' CONTENT='it&#39;s > that'>
    <meta content=plain name=og:type><meta property="og:title" content="later"><meta name=empty content="">
    <meta itemprop=image content = "/a.png" ><meta name="broken content="x"><p title="<meta name=b content=seen>">`)
  t.is(title, 'Tea & cake – 🍰')
  t.is(metas.get('og:title'), 'A "title"')
  t.is(metas.get('description'), "it's > that")
  t.is(metas.get('og:type'), 'plain')
  t.is(metas.get('image'), '/a.png')
  t.false(metas.has('a') || metas.has('empty'))
  t.deepEqual(readHead('<title></title>'), { title: undefined, metas: new Map(), alternates: new Map() })
  t.is(readHead('<title>never ends').title, 'never ends')
  t.is(readHead(`<title>${'x'.repeat(9_000)}`).title?.length, 2_000)
  t.is(readHead('').title, undefined)
})

test('letters that are longer in lower case shift nothing', t => {
  const page = '<script>"İİ"</SCRIPT><title>İstanbul’da İki Gün</Title><meta name=description content=x>'
  const { title, metas } = readHead(page)
  t.is(title, 'İstanbul’da İki Gün')
  t.is(metas.get('description'), 'x')
})

test('other forms of a page are found by their type', t => {
  const { alternates } = readHead(`<link rel=stylesheet type=text/css href=/a.css>
    <LINK Rel="nofollow Alternate" TYPE="application/JSON+oembed" href="/oembed?url=1&amp;x=2">
    <link rel=alternate type=application/json+oembed href=/second><link rel=alternate href=/none>`)
  t.deepEqual([...alternates], [['application/json+oembed', '/oembed?url=1&x=2']])
})

test('references are decoded, others stay', t => {
  t.is(
    decodeEntities('&lt;&nbsp;&#0;&#xD800;&#x110000;&unknown;&amp;lt;&constructor;'),
    '<\u00a0\ufffd\ufffd\ufffd&unknown;&lt;&constructor;',
  )
  t.is(
    decodeEntities('&iexcl;Nov&iacute;simo! &Eacute;t&eacute; &rarr; x&sup2; &frac12; &yuml;&shy;&bdquo;'),
    '¡Novísimo! Été → x² ½ ÿ„',
  )
})

test('any page is read, and in time that does not explode', t => {
  const part = constantFrom(
    '<meta',
    ' name=',
    'content=',
    '"',
    "'",
    '>',
    '<!--',
    '-->',
    '<title',
    '</title>',
    '<script>',
    'a',
    ' ',
    '/',
    '=',
    '&#1;',
  )
  assert(property(array(part, { maxLength: 60 }), parts => readHead(parts.join('')).metas.size <= 200))
  assert(
    property(
      string({ unit: anyCharacter }),
      text => readHead(`<meta name=a content="${text}`).metas.size <= 1,
    ),
  )
  // Quadratic time would be minutes.
  for (const piece of [
    '<meta ',
    '<meta a="',
    '<meta a=\'"',
    '<',
    '<!-',
    '<title',
    '<script',
    '<meta         ',
    '&#',
    '<meta/',
  ])
    t.is(readHead(piece.repeat(200_000)).metas.size, 0, piece)
})

test('pages are decoded by mark, header, their own word, or by trying', t => {
  const text = (bytes: Uint8Array | string, type = 'text/html') =>
    decodePage(Buffer.from(bytes as string), type)
  t.is(text(Buffer.from('é', 'latin1'), 'text/html; charset=ISO-8859-1'), 'é')
  t.is(text(Buffer.from([0xef, 0xbb, 0xbf, 0xc3, 0xa9]), 'text/html; charset=iso-8859-1'), 'é')
  t.is(text(Buffer.from([0xff, 0xfe, 0x41, 0x00])), 'A')
  const russian = Buffer.concat([Buffer.from('<meta charset="windows-1251">'), Buffer.from([0xcf])])
  t.true(text(russian).endsWith('П'))
  t.is(text(Buffer.from('<meta charset=utf-16>é')), '<meta charset=utf-16>é')
  t.is(text(Buffer.from([0x83, 0x65, 0x83, 0x58]), 'text/html; charset=Shift_JIS'), 'テス')
  t.is(text('é'), 'é')
  t.is(text(Buffer.from([0x41, 0xe9, 0x42])), 'AéB')
  t.is(text(Buffer.from('é').subarray(0, 1)), '', 'cut off in the middle of a character')
  t.is(text('é', 'text/html; charset=nonsense'), 'é')
  assert(property(uint8Array(), string(), (bytes, type) => typeof decodePage(bytes, type) === 'string'))
})
