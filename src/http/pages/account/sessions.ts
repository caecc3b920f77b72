import { MatrixError } from '../../../core/errors.ts'
import { alertOf } from '../browser.ts'
import { html, sendPage } from '../layout.ts'
import { problemOf } from '../problem-words.ts'
import { type AccountAction, backLink, type Call, linkTo, nameOf, type ShownDevice, say } from './action.ts'

const ALL_END = 'chat.tessera.sessions_end'

/** `org.matrix.devices_list`: "the user wishes to view a list of their devices". */
export const sessionsList: AccountAction = {
  async show(call) {
    const { context, options, user, visitor } = call
    const { account: words, lang } = visitor.words
    const devices = [...(await options.account.devices.list(user.userId))].sort(
      (a, b) => (b.last_seen_ts ?? 0) - (a.last_seen_ts ?? 0),
    )
    const items = devices.map(device => {
      const query = { action: 'org.matrix.device_view', device_id: device.device_id }
      const link = linkTo(call, nameOf(device, words.unnamed), query)
      return html`<li>${link}<small>${seenAt(call, device)}</small></li>`.html
    })
    sendPage(
      context,
      200,
      words.sessions,
      html`<h1>${words.sessions}</h1>
${items.length === 0 ? html`<p>${words.noSessions}</p>` : html`<ul>${{ html: items.join('\n') }}</ul>`}
${items.length > 1 ? html`<p>${linkTo(call, words.endAll, { action: ALL_END })}</p>` : undefined}
${backLink(call)}`,
      { lang },
    )
  },
  async submit(call) {
    await this.show(call)
  },
}

/** `org.matrix.device_view`: "the user wishes to view the details of a specific device". */
export const sessionView: AccountAction = {
  async show(call) {
    const device = await deviceOf(call)
    if (device !== undefined) sendDevice(call, device, 200, undefined)
  },
  async submit(call, fields) {
    const device = await deviceOf(call)
    if (device === undefined) return
    const { options, user, visitor } = call
    try {
      const name = (fields.get('name') ?? '').trim()
      await options.account.devices.rename(user.userId, device.device_id, name)
      say(call, 200, visitor.words.account.sessions, visitor.words.account.saved)
    } catch (error) {
      const { status, text } = problemOf(error, visitor.words)
      sendDevice(call, device, status, text)
    }
  },
}

/** `org.matrix.device_delete`: "the user wishes to delete/log out a specific device". */
export const sessionEnd: AccountAction = {
  async show(call) {
    const device = await deviceOf(call)
    if (device === undefined) return
    const { account: words, common, lang } = call.visitor.words
    sendPage(
      call.context,
      200,
      words.endQuestion,
      html`<h1>${words.endQuestion}</h1>
<p>${nameOf(device, words.unnamed)}<small>${seenAt(call, device)}</small></p>
<p>${words.endWarning}</p>
<form method="post">
${call.visitor.formToken}
<button class="danger" name="do" value="end">${words.endSession}</button>
</form>
<p>${linkTo(call, common.cancel, { action: 'org.matrix.devices_list' })}</p>`,
      { lang },
    )
  },
  async submit(call, fields) {
    const device = await deviceOf(call)
    if (device === undefined) return
    if (fields.get('do') !== 'end') return this.show(call)
    const { options, user, visitor } = call
    await options.account.devices.remove(user.userId, [device.device_id])
    say(call, 200, visitor.words.account.sessions, visitor.words.account.ended)
  },
}

/** The device that is asked for; without one the list. */
const deviceOf = async (call: Call): Promise<ShownDevice | undefined> => {
  if (call.deviceId !== undefined) return ownDevice(call, call.deviceId)
  await sessionsList.show(call)
  return undefined
}

/** The device that a page is about, if about one; whoever names another's has been told that it is none of theirs. */
export const deviceIfNamed = async (call: Call): Promise<ShownDevice | undefined | 'none of theirs'> =>
  call.deviceId === undefined ? undefined : ((await ownDevice(call, call.deviceId)) ?? 'none of theirs')

/** A device of whoever is signed in; `undefined`, and a page that says so, where there is no such one. */
const ownDevice = async (call: Call, deviceId: string): Promise<ShownDevice | undefined> => {
  const { options, user, visitor } = call
  try {
    return await options.account.devices.get(user.userId, deviceId)
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    say(call, 404, visitor.words.account.sessions, visitor.words.account.noSuchSession)
    return undefined
  }
}

const sendDevice = (call: Call, device: ShownDevice, status: number, problem: string | undefined): void => {
  const { account: words, lang } = call.visitor.words
  const query = { action: 'org.matrix.device_delete', device_id: device.device_id }
  sendPage(
    call.context,
    status,
    words.sessions,
    html`<h1>${nameOf(device, words.unnamed)}</h1>
${alertOf(problem)}
<p>${seenAt(call, device)}</p>
<form method="post">
${call.visitor.formToken}
<label for="name">${words.sessionName}</label>
<input id="name" name="name" value="${device.display_name}" maxlength="100" required autocomplete="off">
<button name="do" value="save">${words.save}</button>
</form>
<p>${linkTo(call, words.endSession, query)}</p>
<p>${linkTo(call, words.endOthers, { action: ALL_END, device_id: device.device_id })}</p>
${backLink(call)}`,
    { lang },
  )
}

const seenAt = ({ visitor }: Call, { last_seen_ts: seen, last_seen_ip: ip }: ShownDevice): string => {
  const { account: words, lang } = visitor.words
  if (seen === undefined) return words.never
  const format = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  return words.lastSeen(`${format.format(seen)} UTC${ip === undefined ? '' : `, ${ip}`}`)
}
