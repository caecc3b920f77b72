import test from 'ava'
import { type InviteVerdict, inviteFilter, invitePolicy } from './invite-policy.ts'

test('m.invite_permission_config blocks everybody or nobody', t => {
  t.is(invitePolicy({ default_action: 'block' })('@a:x'), 'block')
  for (const content of [{}, { default_action: 'allow' }, { default_action: ['block'] }])
    t.is(invitePolicy(content)('@a:x'), 'allow')
})

test('MSC4155: users come before servers; allowed before ignored before blocked', t => {
  const policy = inviteFilter({
    allowed_users: ['@good*:bad.org'],
    ignored_users: ['@dull:*'],
    blocked_users: ['@evil:*', '@dull:x.org'],
    allowed_servers: ['good.org'],
    ignored_servers: ['*.dull.org'],
    blocked_servers: ['*'],
  })
  const verdicts: Record<string, InviteVerdict> = {
    '@goodguy:bad.org': 'allow',
    '@other:bad.org': 'block',
    '@dull:x.org': 'ignore',
    '@evil:good.org': 'block',
    '@any:good.org:8448': 'allow',
    '@any:a.dull.org': 'ignore',
    '@any:dull.org': 'block',
  }
  for (const [inviter, verdict] of Object.entries(verdicts)) t.is(policy(inviter), verdict, inviter)
})

test('MSC4155: switched off or invalid, it allows', t => {
  const blocking = { blocked_servers: ['*'] }
  t.is(inviteFilter(blocking)('@a:x'), 'block')
  for (const more of [
    { enabled: false },
    { allowed_users: 'all' },
    { ignored_servers: ['a', 1] },
    { blocked_users: null },
  ])
    t.is(inviteFilter({ ...blocking, ...more })('@a:x'), 'allow', JSON.stringify(more))
})
