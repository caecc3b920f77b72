import test from 'ava'
import { deniedServers } from './denied-servers.ts'

test('who is denied is so at any port, in any case, and with a dot at the end', t => {
  const isDenied = deniedServers(['evil.com', '*.Spam.example', 'one.test:8448', '[2001:db8::1]'])
  for (const server of [
    ...['evil.com', 'EVIL.com', 'evil.com:443', 'evil.com.', 'evil.com.:8448'],
    ...['a.spam.example', 'a.spam.example:1', 'one.test:8448', '[2001:DB8::1]', '[2001:db8::1]:8448'],
  ]) {
    t.true(isDenied(server), server)
  }
  for (const server of [
    ...['evil.community', 'notevil.com', 'evil.com.good.test', 'spam.example'],
    ...['one.test', 'one.test:443', '[2001:db8::2]', '[2001:db8::]:1'],
  ]) {
    t.false(isDenied(server), server)
  }
  t.false(deniedServers([])('evil.com'))
})
