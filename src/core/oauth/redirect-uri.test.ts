import test from 'ava'
import { isRegistered, isValidRedirectUri } from './redirect-uri.ts'

test('redirect URIs are those that the specification names', t => {
  const host = 'example.com'
  const valid = {
    web: [
      'https://example.com/callback',
      'https://app.example.com/callback',
      'https://example.com:5173/?query=value',
    ],
    native: [
      'https://app.example.com/callback',
      'com.example.app:/callback',
      'com.example:/',
      'com.example:callback',
      'http://localhost/callback',
      'http://127.0.0.1/callback',
      'http://[::1]/callback',
      'http://localhost',
    ],
  }
  const invalid = {
    web: [
      'https://example.com/callback#fragment',
      'http://example.com/callback',
      'http://localhost/',
      'com.example.app:/callback',
      'https://user@example.com/',
      'https://:secret@example.com/',
      'https://badexample.com/',
      'https://example.com.evil.test/',
      'https://example.com\\@evil.test/',
      'https://evil.test/https://example.com/',
      'https://exam\tple.com/',
      'javascript:alert(1)',
      '',
      `https://example.com/${'x'.repeat(2000)}`,
    ],
    native: [
      'example:/callback',
      'com.example.app://callback',
      'https://localhost/callback',
      'http://localhost:1234/callback',
      'http://localhost.evil.test/callback',
      'http://localhost@evil.test/',
      'http://192.168.0.1/',
      'com.example2:/callback',
      'com.evil:/callback',
      'com.example.app:/callback#x',
      'data:text/html,x',
    ],
  }
  for (const type of ['web', 'native'] as const) {
    for (const uri of valid[type]) t.true(isValidRedirectUri(uri, host, type), `${type} ${uri}`)
    for (const uri of invalid[type]) t.false(isValidRedirectUri(uri, host, type), `${type} ${uri}`)
  }
  t.false(isValidRedirectUri('localhost:/callback', 'localhost', 'native'))
})

test('a request names what was registered to the letter, but for the port of a loopback', t => {
  const registered = ['https://example.com/back?a=b', 'http://localhost/cb', 'http://[::1]/cb']
  for (const uri of [...registered, 'http://localhost:4321/cb', 'http://[::1]:80/cb']) {
    t.true(isRegistered(uri, registered), uri)
  }
  for (const uri of [
    'https://example.com/back',
    'https://EXAMPLE.com/back?a=b',
    'https://example.com:443/back?a=b',
    'http://127.0.0.1:4321/cb',
    'http://localhost:4321/cb/',
    'http://localhost:1@evil.test/cb',
    'http://localhost:123456/cb',
  ]) {
    t.false(isRegistered(uri, registered), uri)
  }
})
