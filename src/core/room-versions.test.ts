import test from 'ava'
import { DEFAULT_ROOM_VERSION, type RoomVersion, roomVersion, roomVersions } from './room-versions.ts'

const versions = [...roomVersions.values()]

test('the table of room versions is what the specification says', t => {
  t.deepEqual([...roomVersions.keys()], ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])
  t.true(versions.every(version => version.stability === 'stable'))
  t.true(roomVersions.has(DEFAULT_ROOM_VERSION))
  t.is(roomVersion('13'), undefined)

  /** The versions for which something holds. */
  const where = (holds: (version: RoomVersion) => boolean): string =>
    versions
      .filter(holds)
      .map(version => version.id)
      .join(' ')
  t.is(
    where(v => v.format.eventId === 'given'),
    '1 2',
  )
  t.is(
    where(v => v.format.eventId === 'hash-base64'),
    '3',
  )
  t.is(
    where(v => v.format.references === 'pairs'),
    '1 2',
  )
  t.is(
    where(v => v.format.strictCanonicalJson),
    '6 7 8 9 10 11 12',
  )
  t.is(
    where(v => v.format.redactsInContent),
    '11 12',
  )
  t.is(
    where(v => v.format.roomIdIsCreateHash),
    '12',
  )
  t.is(
    where(v => v.signatures.eventIdServer),
    '1 2',
  )
  t.is(
    where(v => v.signatures.enforceKeyValidity),
    '5 6 7 8 9 10 11 12',
  )
  t.is(
    where(v => v.signatures.restrictedJoinServer),
    '8 9 10 11 12',
  )
  t.is(
    where(v => v.redaction.authorisedByAuthRules),
    '1 2',
  )
  t.is(
    where(v => v.auth.aliasesRule),
    '1 2 3 4 5',
  )
  t.is(
    where(v => v.auth.checkNotificationLevels),
    '6 7 8 9 10 11 12',
  )
  t.is(
    where(v => v.auth.knock),
    '7 8 9 10 11 12',
  )
  t.is(
    where(v => v.auth.restricted),
    '8 9 10 11 12',
  )
  t.is(
    where(v => v.auth.knockRestricted),
    '10 11 12',
  )
  t.is(
    where(v => v.auth.integerPowerLevels),
    '10 11 12',
  )
  t.is(
    where(v => v.auth.creatorIsSender),
    '11 12',
  )
  t.is(
    where(v => v.auth.privilegedCreators),
    '12',
  )
  t.is(
    where(v => v.auth.createEventImplied),
    '12',
  )
  t.is(
    where(v => v.stateResolution === 'v1'),
    '1',
  )
  t.is(
    where(v => v.stateResolution === 'v2.1'),
    '12',
  )
})
