import test from 'ava'
import { isEmailAddress, parseMailbox } from './email-address.ts'
import { mailText } from './mail-text.ts'

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
  const { text, html } = mailText(['Hello <b>\nyou', { label: 'Open & see', link: 'https://x/?a=1&b="2"' }])
  t.is(text, 'Hello <b>\nyou\n\nOpen & see:\nhttps://x/?a=1&b="2"\n')
  t.true(html.includes('<p>Hello &lt;b&gt;<br>you</p>'))
  t.true(html.includes('<p><a href="https://x/?a=1&amp;b=&quot;2&quot;">Open &amp; see</a></p>'))
})
