import test from 'ava'
import { isEmailAddress, parseMailbox } from './email-address.ts'
import { fewLines, mailText, oneLine } from './mail-text.ts'

test('one bare address, and nothing that could be read as more', t => {
  const good = [
    'a@b',
    'alice@example.org',
    "o'neil+tag@mail.example.co.uk",
    'δοκιμή@παράδειγμα.ελ',
    'x@xn--9n2bp8q.kr',
  ]
  for (const address of good) t.true(isEmailAddress(address), address)
  const bad = [
    ...['', '@', 'alice', '@example.org', 'alice@', 'a..b@c', '.a@b', 'a.@b', 'a@b..c', 'a@-b', 'a@b.'],
    ...[
      'a@b,c@d',
      'a@b\r\nBcc: c@d',
      'a b@c',
      '"a b"@c',
      '<a@b>',
      'a@b>',
      'a@b@c',
      'a@[127.0.0.1]',
      'a\0@b',
      'a@b\u2028',
    ],
    `${'a'.repeat(65)}@b`,
    `a@${'b'.repeat(64)}.c`,
    `a@${'b.'.repeat(130)}c`,
  ]
  for (const address of bad) t.false(isEmailAddress(address), address)
})

test('a mailbox may have a name', t => {
  t.deepEqual(parseMailbox('a@b'), { name: '', address: 'a@b' })
  t.deepEqual(parseMailbox('Our server <a@b>'), { name: 'Our server', address: 'a@b' })
  t.deepEqual(parseMailbox('<a@b>'), { name: '', address: 'a@b' })
  for (const text of ['x <a@b>, y <c@d>', 'x <a@b> <c@d>', 'x\r\n <a@b>', 'x <a>', 'x y']) {
    t.is(parseMailbox(text), undefined, text)
  }
})

test('what people wrote becomes no markup', t => {
  const link = { label: 'Open & see', link: 'https://x/?a=1&b="2"' }
  const { text, html } = mailText(['Hello <b>\nyou', link], 'en')
  t.is(text, 'Hello <b>\nyou\n\nOpen & see:\nhttps://x/?a=1&b="2"\n')
  t.true(html.includes('<p>Hello &lt;b&gt;<br>you</p>'))
  t.true(html.includes('<p><a href="https://x/?a=1&amp;b=&quot;2&quot;">Open &amp; see</a></p>'))
})

test('what people wrote hides and moves nothing', t => {
  t.is(oneLine(' a\r\nBcc: x\u202e\u0000b ', 80), 'a Bcc: x b')
  t.is(oneLine('😀'.repeat(9), 3), '😀😀😀…')
  t.is(oneLine('\ud800', 3), '\ufffd')
  t.is(fewLines('one\r\ntwo\u0007\n\nfour\nfive', { lines: 4, length: 3 }), 'one\ntwo\n\nfou…\n…')
  t.is(fewLines('', { lines: 2, length: 3 }), '')
  t.is(fewLines('x'.repeat(9_000_000), { lines: 2, length: 3 }), 'xxx…')
})
