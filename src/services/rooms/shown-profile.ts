import type { JsonObject } from '../../core/json.ts'

/** How somebody is shown in a room. */
export interface ShownProfile {
  readonly displayname?: string
  readonly avatar_url?: string
}

/**
 * The profile in the first of these contents of member events that has one: an event by which somebody leaves says
 * nothing of it, and what was before still does.
 */
export const shownProfile = (contents: readonly (JsonObject | undefined)[]): ShownProfile => {
  for (const content of contents) {
    const displayname = text(content?.['displayname'])
    const avatarUrl = text(content?.['avatar_url'])
    if (displayname === undefined && avatarUrl === undefined) continue
    return {
      ...(displayname === undefined ? {} : { displayname }),
      ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
    }
  }
  return {}
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
