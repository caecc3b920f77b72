/** Who is in a room on the page at `/`, and who may put out whom. */
import test from 'ava'
import { personOf, registerPerson } from '../src/test-kit/person.ts'
import { startTestServer } from '../src/test-kit/server.ts'
import { mayPutOut, powerOf } from '../web/power.ts'
import { Room } from '../web/room.ts'
import { browserTest, closeBrowser, openBrowser, openPage, PATIENCE_MS, photograph } from './browser.ts'
import { message, say, signUp } from './page-deeds.ts'

test.after.always(closeBrowser)

const [ALICE, BOB, CAROL, DAVE] = ['@alice:tea.test', '@bob:tea.test', '@carol:tea.test', '@dave:tea.test']

const roomWith = (create: object, levels?: object): Room => {
  const room = new Room('!tea')
  const state = (type: string, content: object) => ({ type, state_key: '', sender: ALICE, content })
  const power = levels === undefined ? [] : [state('m.room.power_levels', levels)]
  room.update({ state: { events: [state('m.room.create', create), ...power] } })
  return room
}

test('who may put out whom follows from the power levels of the room', t => {
  const room = roomWith({ room_version: '10' }, { users: { [ALICE]: 100, [BOB]: '50', [DAVE]: 50 }, ban: 60 })
  t.is(powerOf(room, BOB), 50, 'old rooms have numbers in texts')
  t.is(powerOf(room, CAROL), 0)
  t.true(mayPutOut(room, BOB, CAROL, 'kick'))
  t.false(mayPutOut(room, BOB, CAROL, 'ban'))
  t.false(mayPutOut(room, BOB, DAVE, 'kick'), 'nor an equal')
  t.false(mayPutOut(room, BOB, ALICE, 'kick'))
  t.false(mayPutOut(room, CAROL, CAROL, 'kick'))
  t.true(mayPutOut(room, ALICE, BOB, 'ban'))
})

test('without power levels whoever made the room has all power; in rooms of version 12 whatever these say', t => {
  const bare = roomWith({ room_version: '10' })
  t.true(mayPutOut(bare, ALICE, BOB, 'ban'))
  t.false(mayPutOut(bare, BOB, CAROL, 'kick'))
  const newer = roomWith(
    { room_version: '12', additional_creators: [BOB] },
    { users: { [CAROL]: 100 }, users_default: 100 },
  )
  t.true(mayPutOut(newer, ALICE, CAROL, 'ban'))
  t.true(mayPutOut(newer, BOB, CAROL, 'ban'))
  t.false(mayPutOut(newer, CAROL, ALICE, 'ban'))
  t.false(mayPutOut(newer, ALICE, BOB, 'kick'), 'nor one creator the other')
})

browserTest('who is here and who is to come is listed, and whoever may puts people out', async t => {
  t.timeout(PATIENCE_MS)
  const server = await startTestServer({
    serverName: 'tea.test',
    settings: { rooms: { encrypted_by_default: 'all' } },
  })
  t.teardown(() => server.close())
  const page = await openPage(t, await openBrowser(), server.url)
  await signUp(page, 'alice')
  const bob = await registerPerson(server, 'bob')
  await registerPerson(server, 'carol')
  await page.getByRole('button', { name: 'New room' }).click()
  await page.getByLabel('Name').fill('Tea room')
  await page.getByLabel('Invite').fill('bob carol')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('heading', { name: 'Tea room' }).waitFor()
  await say(page, 'Hello')
  await message(page, 'Hello').waitFor()
  const { invitations } = await bob.get('/_matrix/client/v1/chat.tessera/invitations')
  const [{ room_id: room = '' } = {}] = invitations as { room_id?: string }[]

  await page.getByRole('button', { name: '1 person' }).click()
  const dialog = page.getByRole('dialog', { name: 'People' })
  await dialog.getByText('Invited (2)').waitFor()
  await bob.join(room)
  await dialog.getByText('Here (2)').waitFor()
  t.regex(await dialog.getByRole('listitem').first().innerText(), /alice.*@alice:tea\.test · administrator/s)
  const alice = personOf(
    server,
    await page.evaluate<{ userId: string; accessToken: string }>(
      "JSON.parse(localStorage.getItem('tessera.session'))",
    ),
  )
  await alice.setState(room, 'm.room.power_levels', { users: { [BOB]: 50 } })
  await dialog.getByText('@bob:tea.test · moderator').waitFor()
  await dialog.getByRole('button', { name: 'Remove carol (@carol:tea.test)' }).click()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await dialog.getByText('Invited').waitFor({ state: 'hidden' })
  await dialog.getByRole('button', { name: 'Ban bob' }).click()
  await page.getByLabel('Why').fill('Spilt milk')
  await photograph(page, 'banning')
  await page.getByRole('button', { name: 'Ban', exact: true }).click()
  await dialog.getByText('Banned (1)').waitFor()
  await photograph(page, 'people')
  t.is(await bob.code('POST', `/join/${encodeURIComponent(room)}`), '403 M_FORBIDDEN')
  await dialog.getByRole('button', { name: 'Lift the ban of bob' }).click()
  await dialog.getByText('Banned').waitFor({ state: 'hidden' })
  await dialog.getByRole('button', { name: 'Close' }).click()
  await page.getByText('alice banned bob: Spilt milk').waitFor()

  const crowd = Array.from({ length: 5_000 }, (_, n) => ({
    state_key: `@guest${n}:tea.test`,
    content: { membership: n === 4_999 ? 'knock' : 'join', displayname: `Guest ${n}` },
  }))
  await page.route('**/members?**', route => route.fulfill({ json: { chunk: crowd } }))
  await page.getByRole('button', { name: '1 person' }).click()
  await dialog.getByText('Here (4999)').waitFor()
  t.is(await dialog.getByRole('listitem').count(), 101)
  t.true(await dialog.getByText('Guest 4999').isVisible(), 'who waits is not lost among so many')
  await dialog.getByText('4899 more').waitFor()
  await dialog.getByRole('searchbox').fill('guest 4321')
  await dialog.getByText('Here (1)').waitFor()
  t.regex(await dialog.getByRole('listitem').innerText(), /@guest4321:tea\.test/)
  await dialog.getByRole('button', { name: 'Close' }).click()

  await page.getByRole('button', { name: 'Chat with' }).click()
  await page.getByLabel('User').fill('bob')
  await page.getByRole('button', { name: 'Chat', exact: true }).click()
  await page.getByRole('heading', { name: 'bob' }).waitFor()
  await say(page, 'Sorry')
  await message(page, 'Sorry').waitFor()
})
