import test from 'ava'
import { CHEAP_PASSWORDS } from '../../test-kit/accounts.ts'
import { DEFAULT_PASSWORD_OPTIONS, Passwords } from './passwords.ts'

const hashOfCost = (cost: string): string =>
  `$argon2id$v=19$${cost}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g`

test('what a stored hash may cost is bounded, so that none takes the others’ turns', async t => {
  const passwords = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS })
  t.false(await passwords.verify('password', '$argon2id$broken'), 'nor does one that cannot be read fail')
  // It would be computed for minutes, or fail for want of memory, if it were.
  for (const cost of ['m=8,t=100000000,p=1', 'm=4294967295,t=1,p=1', 'm=2048,t=1,p=255'])
    t.false(await passwords.verify('password', hashOfCost(cost)), cost)
})

test('hashes of dearer settings than today’s are still verified', async t => {
  const dear = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, memoryKib: 1024, iterations: 20, parallelism: 4 })
  const cheap = new Passwords({ ...DEFAULT_PASSWORD_OPTIONS, ...CHEAP_PASSWORDS })
  const hash = await dear.hash('password')
  t.true(await cheap.verify('password', hash))
  t.true(cheap.isOutdated(hash))
})
