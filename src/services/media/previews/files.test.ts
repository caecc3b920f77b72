import test from 'ava'
import { fileTitle, playableFile, playableMembers } from './files.ts'

const at = (path: string) => new URL(path, 'https://site.test/')
const typed = (type: string, more: Record<string, string> = {}) => ({
  headers: { 'content-type': type, ...more },
})

test('files are called by what their server says, or by their path', t => {
  const named = typed('image/png', { 'content-disposition': "inline; filename*=UTF-8''%E2%82%AC%0A.png" })
  t.deepEqual(fileTitle(named, at('/x')), { 'og:title': '€ .png' })
  t.deepEqual(fileTitle(typed('image/png'), at('/a/b%20c.png?d=/e')), { 'og:title': 'b c.png' })
  t.deepEqual(fileTitle(typed('image/png'), at('/100%.png')), { 'og:title': '100%.png' })
  t.deepEqual(fileTitle(typed('image/png'), at('/')), {})
})

test('films and sounds are named by their URL', t => {
  t.deepEqual(playableFile(typed('Audio/Ogg; codecs=opus'), at('/a.ogg')), {
    'og:title': 'a.ogg',
    'og:audio': 'https://site.test/a.ogg',
    'og:audio:type': 'audio/ogg',
  })
  t.is(playableFile(typed('application/pdf'), at('/a.pdf')), undefined)
  t.is(playableFile({ headers: {} }, at('/a')), undefined)
})

test("a page's films go to clients with whole web addresses only", t => {
  const of = (metas: Record<string, string>) => playableMembers(new Map(Object.entries(metas)), at('/watch'))
  const facts = { 'og:video:type': 'text/html', 'og:video:width': '640' }
  t.deepEqual(of({ 'og:video:url': '/embed/1', 'og:audio': 'http://other.test/a', ...facts }), {
    'og:video:url': 'https://site.test/embed/1',
    'og:audio': 'http://other.test/a',
    ...facts,
  })
  t.deepEqual(of({ 'og:video': 'javascript:alert(1)', ...facts }), {})
})
