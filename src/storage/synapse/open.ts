import { type SynapseLocation, type SynapseSource, SynapseUnreadable } from './source.ts'

/** Schemas of Synapse that we know how to read: from 1.107 of May 2024 to 1.163. */
export const KNOWN_SCHEMAS = { oldest: 85, newest: 94 } as const

/**
 * Opens a database of Synapse for reading.
 * @throws {SynapseUnreadable} if there is none, or one of a version that we cannot read
 */
export const openSynapse = async (location: SynapseLocation): Promise<SynapseSource> => {
  const opened =
    location.kind === 'sqlite'
      ? (await import('./sqlite-source.ts')).openSqliteSynapse(location.path)
      : await (await import('./postgres-source.ts')).openPostgresSynapse(location.url)
  try {
    return { ...opened, schemaVersion: await schemaVersion(opened) }
  } catch (error) {
    await opened.close()
    throw error
  }
}

const schemaVersion = async (source: Omit<SynapseSource, 'schemaVersion'>): Promise<number> => {
  if (!source.has('schema_version') || !source.has('event_json') || !source.has('users')) {
    throw new SynapseUnreadable('The source is no database of Synapse: it lacks its tables.')
  }
  const version = Number(
    (await source.get<{ version: number }>('SELECT version FROM schema_version'))?.version ?? 0,
  )
  if (version < KNOWN_SCHEMAS.oldest) {
    throw new SynapseUnreadable(
      `Synapse's database is too old (schema ${version}, we read ${KNOWN_SCHEMAS.oldest} and later): upgrade Synapse to its latest version, let it run until its background updates are done, stop it, and try again.`,
    )
  }
  const compatible = source.has('schema_compat_version')
    ? await source.get<{ compat_version: number }>('SELECT compat_version FROM schema_compat_version')
    : undefined
  if (Number(compatible?.compat_version ?? version) > KNOWN_SCHEMAS.newest) {
    throw new SynapseUnreadable(
      `Synapse's database is too new (schema ${version}, compatible back to ${compatible?.compat_version ?? version}, we read up to ${KNOWN_SCHEMAS.newest}): a newer version of Tessera is needed.`,
    )
  }
  return version
}
