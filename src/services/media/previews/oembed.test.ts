import test from 'ava'
import { readOembed } from './oembed.ts'

test('an oEmbed document says who made what, and how it looks', t => {
  const video = {
    version: '1.0',
    type: 'video',
    title: ' A  walk\nin the park &#8211; part&nbsp;1 ',
    author_name: 'Ann &amp; Bob',
    provider_name: 'Tube',
    thumbnail_url: 'https://tube.example/1.jpg',
    html: '<script>alert(1)</script>',
  }
  t.deepEqual(readOembed(JSON.stringify(video)), {
    members: {
      'og:title': 'A walk in the park – part 1',
      'og:site_name': 'Tube',
      'article:author': 'Ann & Bob',
      'og:type': 'video.other',
    },
    image: 'https://tube.example/1.jpg',
  })
  const photo = {
    type: 'photo',
    url: 'https://pics.example/2.png',
    thumbnail_url: 'https://pics.example/small.png',
  }
  t.deepEqual(readOembed(JSON.stringify(photo)), { members: {}, image: 'https://pics.example/2.png' })
})

test('what is no oEmbed document says nothing', t => {
  const nothing = { members: {}, image: undefined }
  for (const text of [
    '',
    '<html>',
    '[]',
    'null',
    '{"version":"2.0","title":"x"}',
    '{"title":7}',
    '['.repeat(100),
  ]) {
    t.deepEqual(readOembed(text), nothing, text)
  }
})
