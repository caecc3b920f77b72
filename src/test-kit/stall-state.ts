import { type DatabaseConfig, openDatabase } from '../storage/open.ts'

const QUERIES = {
  'where the streams stand': 'SELECT name, position AS value FROM streams ORDER BY name',
  'how far they are followed': 'SELECT name, position AS value FROM followed_streams ORDER BY name',
  'until when leases are held': 'SELECT name, held_until_ts AS value FROM leases ORDER BY name',
  'what waits for servers':
    'SELECT server AS name, COUNT(*) AS value FROM federation_destination_rooms GROUP BY server ORDER BY server',
  'what waits in rooms': 'SELECT room_id AS name, COUNT(*) AS value FROM staged_pdus GROUP BY room_id',
}

/** What the database of a server that stands still tells of it: who is behind, and what is stuck. */
export const stateOf = async (config: DatabaseConfig): Promise<string> => {
  const database = await openDatabase(config)
  try {
    const lines: string[] = []
    for (const [what, sql] of Object.entries(QUERIES)) {
      const rows = await database.all<{ name: string; value: number }>(database.prepare(sql))
      lines.push(`${what}: ${rows.map(({ name, value }) => `${name} ${value}`).join(', ')}`)
    }
    return lines.join('\n')
  } finally {
    await database.close()
  }
}
