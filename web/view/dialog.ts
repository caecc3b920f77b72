import type { Json } from '../api.ts'
import { acting, h } from '../dom.ts'
import { words } from '../words.ts'

/** What a dialog asks for. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly placeholder?: string
  readonly isOptional?: boolean
  /** In place of a line of text. */
  readonly input?: HTMLInputElement | HTMLSelectElement
}

/**
 * Asks for some texts in a dialog, and does something with them. What goes wrong is shown in the dialog, which stays;
 * Escape and Cancel close it.
 *
 * @param fields of which elements are shown as they are, for whoever asks to look at
 * @param act may answer what is to be shown then: nothing outside of an open dialog takes the focus, and closing it gives the
 * focus back to where it was before
 */
export const ask = (
  title: string,
  fields: readonly (Field | HTMLElement)[],
  button: string,
  act: (values: Readonly<Record<string, string>>) => Promise<Json | (() => void)>,
): void => {
  const asked = fields.filter((field): field is Field => !(field instanceof HTMLElement))
  const inputs = asked.map(({ name, placeholder, isOptional, input }) => {
    if (input === undefined)
      return h('input', { name, placeholder, required: isOptional !== true, autocapitalize: 'none' })
    input.name = name
    return input
  })
  const form = h(
    'form',
    {},
    h('h2', {}, title),
    ...fields.map(field =>
      field instanceof HTMLElement ? field : h('label', {}, field.label, inputs[asked.indexOf(field)]),
    ),
    h(
      'div',
      { class: 'row end' },
      h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, words.cancel),
      h('button', { type: 'submit' }, button),
    ),
  )
  const dialog = h('dialog', { 'aria-label': title }, form)
  form.addEventListener('submit', event => {
    event.preventDefault()
    const values = Object.fromEntries(inputs.map(input => [input.name, input.value.trim()]))
    acting(form, async () => {
      const show = await act(values)
      dialog.close()
      if (typeof show === 'function') show()
    })
  })
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}
