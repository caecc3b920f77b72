/**
 * On which databases tests run that are not about storage. The contracts of storage hold on both, always (`bothDatabases`). What is
 * above asks storage only by these; still it is run on both in CI and where test files are named. A run of everything on
 * somebody's own machine, which is to take no longer than one likes to wait, takes each such test to one of the two.
 */
export type DatabaseKind = 'sqlite' | 'postgres'

const BOTH: readonly DatabaseKind[] = ['sqlite', 'postgres']

/**
 * The databases for a test. With `TESSERA_TEST_DATABASES=one` it is one of them, by the test's name: PostgreSQL, where a
 * test costs twice as much, for a third of them. SQLite where PostgreSQL is not there, so that no test is left out for want of it.
 */
export const databasesFor = (
  name: string,
  { TESSERA_TEST_DATABASES: wanted, TESSERA_TEST_POSTGRES: postgres }: NodeJS.ProcessEnv = process.env,
): readonly DatabaseKind[] => {
  if (wanted !== 'one') return BOTH
  const characters = [...name].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 0)
  return postgres !== undefined && characters % 3 === 0 ? ['postgres'] : ['sqlite']
}
