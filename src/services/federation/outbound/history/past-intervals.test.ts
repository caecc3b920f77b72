import test from 'ava'
import fc from 'fast-check'
import { randomRuns } from '../../../../test-kit/random-runs.ts'
import { pastIntervals } from './past-intervals.ts'

/** Intervals as `room_state` has them; `to` undefined: it holds still. */
interface Interval {
  readonly point: string
  readonly nid: number
  readonly from: number
  readonly to: number | undefined
}
type State = Readonly<Record<string, number>>

const POINTS = ['a', 'b', 'c']
const [BASE, TOP] = [100, 200]

const holding = (intervals: readonly Interval[], position: number): Interval[] =>
  intervals.filter(({ from, to }) => from <= position && (to === undefined || position < to))

const stateAt = (intervals: readonly Interval[], position: number): State => {
  const entries = holding(intervals, position).map(({ point, nid }) => [point, nid] as const)
  const state = Object.fromEntries(entries)
  if (Object.keys(state).length < entries.length) throw new Error(`two things hold at ${position}`)
  return state
}

/** What the statements do: first intervals move, then others are put in, none with the key of another. */
const applied = (
  intervals: readonly Interval[],
  { moved, inserted }: ReturnType<typeof pastIntervals>,
): Interval[] => {
  const result = intervals.map(one => {
    const move = moved.find(({ stateKey, from }) => stateKey === one.point && from === one.from)
    return move === undefined ? one : { ...one, from: Number(move.to) }
  })
  for (const { stateKey, nid, from, to } of inserted)
    result.push({ point: stateKey, nid, from: Number(from), to: Number(to) })
  if (new Set(result.map(({ point, from }) => `${point} ${from}`)).size < result.length)
    throw new Error('two intervals begin at once')
  return result
}

/** What holds from 10 on, and from the event above the gap on. */
const aroundGap = (below: State, above: State): Interval[] =>
  POINTS.flatMap(point => {
    const [lower, upper] = [below[point], above[point]]
    const ends = upper === lower ? undefined : TOP
    return [
      ...(lower === undefined ? [] : [{ point, nid: lower, from: 10, to: ends }]),
      ...(upper === undefined || upper === lower ? [] : [{ point, nid: upper, from: TOP, to: undefined }]),
    ]
  })

const entries = (state: State) =>
  Object.entries(state).map(([stateKey, nid]) => ({ type: 't', stateKey, nid }))

const anyState = fc.dictionary(fc.constantFrom(...POINTS), fc.integer({ min: 1, max: 3 }))
const anyChange = fc.record({ point: fc.constantFrom(...POINTS), nid: fc.integer({ min: 1, max: 3 }) })
const anyChunk = fc.record({ before: anyState, changes: fc.array(anyChange, { maxLength: 4 }) })

test('chunks that are put into a gap change what holds there, and nowhere else', t => {
  const chunksOf = fc.array(anyChunk, { minLength: 1, maxLength: 4 })
  const property = fc.property(anyState, anyState, chunksOf, (below, above, chunks) => {
    const outside = aroundGap(below, above)
    let intervals = outside
    const expected: [position: number, state: State][] = []
    let floor = TOP
    for (const { before, changes } of chunks) {
      const atFloor = stateAt(intervals, floor - 1)
      const seam = floor - 2
      const lowest = seam - changes.length
      const stored = holding(intervals, BASE).map(one => ({ ...one, type: 't', stateKey: one.point }))
      const steps = changes.map(({ point, nid }, index) => ({
        ...{ type: 't', stateKey: point, nid },
        at: lowest + index,
      }))
      const chunk = { base: BASE, seam, before: entries(before), changes: steps }
      intervals = applied(intervals, pastIntervals({ stored, ...chunk }))
      let state = before
      expected.push([lowest - 1, state])
      for (const { stateKey, nid, at } of steps) {
        state = { ...state, [stateKey]: nid }
        expected.push([at, state])
      }
      expected.push([seam, atFloor], [floor - 1, atFloor])
      floor = lowest
    }
    for (const [position, state] of expected) t.deepEqual(stateAt(intervals, position), state)
    for (const position of [9, 10, BASE - 1, TOP - 1, TOP, TOP + 1])
      t.deepEqual(stateAt(intervals, position), stateAt(outside, position))
  })
  fc.assert(property, { numRuns: randomRuns(200) })
})

test('what does not change in a gap costs nothing', t => {
  const stored = [{ type: 't', stateKey: 'a', nid: 1, from: 10 }]
  const chunk = { base: BASE, seam: 150, before: entries({ a: 1 }), changes: [] }
  t.deepEqual(pastIntervals({ stored, ...chunk }), { moved: [], inserted: [] })
})
