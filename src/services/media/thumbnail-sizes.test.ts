import test from 'ava'
import { assert, boolean, constantFrom, integer, property, record } from 'fast-check'
import { randomRuns } from '../../test-kit/random-runs.ts'
import { specFor, specName, thumbnailSize } from './thumbnail-sizes.ts'

const spec = (text: string) => {
  const [, method = '', width = '', height = ''] = /^(\w+)-(\d+)x(\d+)/.exec(text) ?? []
  return { method: method as 'crop' | 'scale', width: Number(width), height: Number(height), animated: false }
}

test('requests are answered in the sizes that everybody asks for, never below them', t => {
  const name = (text: string) => specName(specFor(spec(text)))
  t.is(name('crop-20x20'), 'crop-32x32')
  t.is(name('crop-96x96'), 'crop-96x96')
  t.is(name('crop-97x97'), 'crop-97x97')
  t.is(name('crop-50x20'), 'crop-50x20')
  t.is(name('scale-1x1'), 'scale-320x240')
  t.is(name('scale-321x10'), 'scale-640x480')
  t.is(name('scale-801x10'), 'scale-960x160')
  t.is(specName(specFor({ ...spec('scale-1x1'), animated: true })), 'scale-320x240-animated')
})

test('scaling fits in, cropping covers', t => {
  const size = (width: number, height: number, text: string) => thumbnailSize({ width, height }, spec(text))
  t.deepEqual(size(1000, 500, 'scale-320x240'), { width: 320, height: 160 })
  t.deepEqual(size(500, 1000, 'scale-320x240'), { width: 120, height: 240 })
  t.deepEqual(size(1000, 500, 'crop-96x96'), { width: 96, height: 96 })
  t.deepEqual(size(1000, 48, 'crop-96x96'), { width: 96, height: 48 }, 'as large as the picture allows')
  t.is(size(320, 240, 'scale-320x240'), undefined)
  t.is(size(96, 96, 'crop-96x96'), undefined)
  t.deepEqual(size(10_000, 1, 'scale-320x240'), { width: 320, height: 1 })
})

test('nothing is ever made larger', t => {
  const length = integer({ min: 1, max: 70_000 })
  const picture = record({ width: length, height: length })
  const wanted = record({
    width: length,
    height: length,
    method: constantFrom('crop', 'scale'),
    animated: boolean(),
  })
  assert(
    property(picture, wanted, (from, request) => {
      const made = thumbnailSize(from, specFor(request))
      if (made === undefined) return from.width <= 65_535 + 160 || from.height <= 65_535 + 160
      return (
        made.width >= 1 &&
        made.height >= 1 &&
        made.width <= from.width &&
        made.height <= from.height &&
        (made.width < from.width || made.height < from.height)
      )
    }),
    { numRuns: randomRuns(200) },
  )
  t.pass()
})
