import test from 'ava'
import { configOf } from '../test-kit/config-texts.ts'
import { misspeltVariables } from './misspelt-variables.ts'
import { configSchema } from './schema/index.ts'

test('a variable with one underscore for two is told of, and sets nothing', t => {
  const env = {
    TESSERA_SERVER_NAME: 'example.org',
    TESSERA_LISTENERS_0_TLS_KEY: 'key.pem',
    TESSERA_EMAIL_PASSWORD_FILE: 'secret',
    TESSERA_FEDERATION__BACK_OFF_MAX: '1h',
  }
  t.deepEqual(misspeltVariables(configSchema, env), [
    'TESSERA_EMAIL_PASSWORD_FILE sets nothing: write TESSERA__EMAIL__PASSWORD_FILE, with two underscores',
    'TESSERA_FEDERATION__BACK_OFF_MAX sets nothing: write TESSERA__FEDERATION__BACK_OFF__MAX, with two underscores',
    'TESSERA_LISTENERS_0_TLS_KEY sets nothing: write TESSERA__LISTENERS__0__TLS__KEY, with two underscores',
    'TESSERA_SERVER_NAME sets nothing: write TESSERA__SERVER_NAME, with two underscores',
  ])
  const { config, warnings } = configOf(t, '', { env })
  t.deepEqual([config.serverName, warnings.length], ['localhost', 4])
})

test('variables of other programs, and those that are none of the settings, are passed over', t => {
  const env = {
    ...{ TESSERA_DATA: 'x', TESSERA_CONFIG: 'x', TESSERA_BUNDLE: 'x', TESSERA_TEST_POSTGRES: 'x' },
    ...{ TESSERA_PORT: 'tcp://10.0.0.1:8008', TESSERA_SERVICE_HOST: '10.0.0.1', TESSERA_SERVER_NAME: '' },
    ...{ TESSERA__SERVER_NAME: 'a.example', OTHER_SERVER_NAME: 'x', TESSERA_LISTENERS_X_PORT: '1' },
  }
  t.deepEqual(misspeltVariables(configSchema, env), [])
})
