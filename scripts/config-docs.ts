/** Writes `docs/configuration.md` from the schema of the settings. A test proves that it is fresh. */
import { writeFileSync } from 'node:fs'
import { configurationReference } from '../src/config/reference.ts'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationReference())
