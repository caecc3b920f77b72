import test from 'ava'
import type { Membership } from '../../storage/rooms/memberships.ts'
import { isDeserted } from './membership-content.ts'

test('a room is deserted when all have left, and none of another server was ever there', t => {
  const head = (hosts: string[], ...members: [string, Membership][]) => ({
    room: { creator: '@a:here.test' },
    wasPartial: false,
    joinedHosts: () => hosts,
    memberships: new Map(members),
  })
  t.true(isDeserted(head([], ['@a:here.test', 'leave'], ['@b:here.test', 'invite']), 'here.test'))
  t.false(isDeserted(head(['here.test'], ['@a:here.test', 'join']), 'here.test'))
  t.false(isDeserted(head([], ['@a:here.test', 'leave'], ['@b:there.test', 'leave']), 'here.test'))
  const withoutMembers = { ...head([], ['@a:here.test', 'leave']), room: { creator: '@b:there.test' } }
  t.false(isDeserted(withoutMembers, 'here.test'))
  const cameThroughOthers = { ...head([], ['@a:here.test', 'leave']), wasPartial: true }
  t.false(isDeserted(cameThroughOthers, 'here.test'))
})
