import test from 'ava'
import fc from 'fast-check'
import { searchPhrases, searchTokens } from '../../core/search-text.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { newRoom, requesterOf, testRooms } from '../../test-kit/rooms.ts'

const ALICE = '@alice:here.test'

testDatabases(
  test,
  'messages are found by their words, in every script, until they are redacted',
  async (t, database) => {
    const { rooms, core } = await testRooms(database)
    const { read } = core.context
    const make = async (name: string) => {
      const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { name }), { isDirect: false })
      return { roomId, nid: (await read.rooms.byId(roomId))?.nid ?? 0 }
    }
    const [tea, other] = [await make('The tea room'), await make('elsewhere')]
    let count = 0
    const say = async (body: string, roomId = tea.roomId, type = 'm.room.message'): Promise<string> => {
      const message = { roomId, type, txnId: `t${count++}`, content: { body, msgtype: 'm.text' } }
      return (await rooms.sending.message(requesterOf(ALICE), message)).eventId
    }
    const fox = await say('The QUICK brown fox')
    const again = await say("quick quick! the fox's den")
    const city = await say('東京都に行く')
    const thai = await say('สวัสดีครับ')
    const odd = await say('\' OR 1=1 -- & | ! <-> (a:b*) NEAR\\ "x')
    await say('quick', other.roomId)
    await say('quick', tea.roomId, 'm.room.encrypted')
    const everything = {
      roomNids: [tea.nid],
      types: ['m.room.message'],
      upToNid: Number.MAX_SAFE_INTEGER,
      limit: 50,
    }
    const find = async (term: string, more: object = {}) => {
      const hits = await read.messages.search({ phrases: searchPhrases(term), ...everything, ...more })
      return (await read.events.byNids(hits.map(hit => hit.nid))).map(({ event }) => event.eventId)
    }
    t.deepEqual(await find('quick'), [again, fox])
    t.deepEqual(await find('quick BROWN'), [fox])
    t.deepEqual(await find('"brown quick"'), [])
    t.deepEqual(await find('"quick brown"'), [fox])
    t.deepEqual(await find("fox's"), [again])
    t.deepEqual(await find('ｑｕｉｃｋ', { limit: 1 }), [again])
    t.deepEqual(await find('qui'), [])
    for (const part of ['東京', '京都', '都に行', '行']) t.deepEqual(await find(part), [city], part)
    t.deepEqual(await find('京東'), [])
    t.deepEqual(await find('ดีครับ'), [thai])
    t.deepEqual(await find("or 1=1 'x'"), [odd])
    t.deepEqual(await find('quick', { roomNids: [tea.nid, other.nid] }).then(found => found.length), 3)
    t.deepEqual(await find('tea room', { types: ['m.room.name'] }).then(found => found.length), 1)
    t.deepEqual(await find('tea room'), [])
    const many = Array.from({ length: 500 }, (_, index) => 1_000_000 + index)
    t.deepEqual(await find('brown', { roomNids: [...many, tea.nid] }), [fox])
    t.deepEqual(await find('brown', { roomNids: [...many, other.nid] }), [])
    const hits = await read.messages.search({ phrases: searchPhrases('quick'), ...everything })
    t.true((hits[0]?.score ?? 0) > (hits[1]?.score ?? 0), 'more of it is better')
    await rooms.sending.redaction(requesterOf(ALICE), {
      ...{ roomId: tea.roomId, redacts: again, txnId: 'r', reason: undefined },
    })
    t.deepEqual(await find('quick'), [fox])
  },
)

test('a text is found by each of its parts, cut anywhere between characters', t => {
  const text = fc.array(
    fc.constantFrom('a', 'Z', 'é', ' ', '-', '京', 'カ', 'ﾞ', '한', 'ก', 'ิ', '🎉', "'", '7'),
    {
      maxLength: 30,
    },
  )
  fc.assert(
    fc.property(text, characters => {
      const whole = characters.join('')
      const tokens = searchTokens(whole)
      t.true(tokens.every(token => /^[\p{L}\p{N}\p{M}\p{Extended_Pictographic}]+$/u.test(token)))
      // Folding is settled: what is indexed stays what it is.
      t.deepEqual(searchTokens(tokens.join(' ')), tokens)
      for (const word of whole.split(/[\s"]+/)) {
        const phrase = searchTokens(word)
        const at = tokens.findIndex((_, start) =>
          phrase.every((token, index) => tokens[start + index] === token),
        )
        t.true(phrase.length === 0 || at >= 0, `${word} in ${whole}`)
      }
    }),
  )
})
