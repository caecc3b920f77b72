import test from 'ava'
import { afterFailure, afterInbound, type BackoffState, mayTry } from './backoff.ts'

const POLICY = { initialMs: 1_000, factor: 2, maxMs: 10_000, jitter: 0.2 }
const fail = (state: BackoffState | undefined, now: number, random = 0.5, retryAfterMs?: number) =>
  afterFailure(state, { now, random, retryAfterMs }, POLICY)

test('the wait doubles with each failure up to the cap', t => {
  const waits: number[] = []
  let state: BackoffState | undefined
  for (let i = 0; i < 6; i++) {
    const now = state?.retryAt ?? 5_000
    t.true(mayTry(state, now))
    state = fail(state, now)
    waits.push(state.retryAt - now)
    t.false(mayTry(state, state.retryAt - 1))
  }
  t.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  t.like(state, { failures: 6, firstFailedAt: 5_000 })
  t.is(fail({ failures: 5_000, firstFailedAt: 0, lastFailedAt: 0, retryAt: 0 }, 0).retryAt, 10_000)
})

test('jitter spreads the wait, never beyond the cap; the peer can only lengthen it', t => {
  t.is(fail(undefined, 0, 0).retryAt, 800)
  t.is(fail(undefined, 0, 0.999_999).retryAt, 1_200)
  t.is(fail({ failures: 9, firstFailedAt: 0, lastFailedAt: 0, retryAt: 0 }, 0, 0.999).retryAt, 10_000)
  t.is(fail(undefined, 0, 0.5, 5).retryAt, 1_000)
  t.is(fail(undefined, 0, 0.5, 5_000).retryAt, 5_000)
  t.is(fail(undefined, 0, 0.5, 1e12).retryAt, 10_000)
})

test('an inbound request opens the way at once, but not for every request of a peer that stays unreachable', t => {
  const state = [0, 1_000, 3_000].reduce<BackoffState | undefined>(
    (previous, now) => fail(previous, now),
    undefined,
  )
  t.like(state, { failures: 3, retryAt: 7_000 })
  if (state === undefined) return
  const woken = afterInbound(state, 5_000, POLICY)
  t.like(woken, { failures: 0, retryAt: 5_000, firstFailedAt: 0 })
  t.true(mayTry(woken, 5_000))
  t.is(afterInbound(woken, 5_001, POLICY), woken, 'nothing to store')

  const again = fail(woken, 5_000)
  t.like(again, { failures: 1, retryAt: 6_000 })
  t.is(afterInbound(again, 5_100, POLICY).retryAt, 6_000, 'the first wait is kept')
  t.is(afterInbound(state, 3_100, POLICY).retryAt, 4_000)
  t.is(afterInbound(state, 8_000, POLICY).retryAt, 7_000, 'never later than it was')
})

test('a clock that is set back makes nobody wait longer', t => {
  const state = fail(undefined, 3_600_000)
  t.false(mayTry(state, 3_600_000))
  t.true(mayTry(state, 3_599_999))
  t.false(mayTry(fail(state, 5_000), 5_999), 'the next failure counts by the clock as it is now')
})
