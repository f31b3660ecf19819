import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the examples send to: CROSSFOOT_URL and CROSSFOOT_KEY, or the service that `npm start` runs on this machine. */
export function serviceOf(env: NodeJS.ProcessEnv): { readonly url: string; readonly key: string } {
  return {
    url: env['CROSSFOOT_URL'] ?? 'http://127.0.0.1:8080',
    key: env['CROSSFOOT_KEY'] ?? readFileSync(join(env['CROSSFOOT_DATA'] ?? 'data', 'dev-api-key'), 'utf8').trim(),
  }
}
