import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bodyOf, callOnce } from '../../collect/service.ts'
import type { Call, Service } from '../../collect/service.ts'
import { UsageError } from './command.ts'
import type { Terminal } from './command.ts'

/** The options of every command that speaks to the service, for `parseArgs`. */
export const serviceOptions = { url: { type: 'string' }, key: { type: 'string' } } as const

export const serviceHelp = `  --url URL        where crossfoot runs (default CROSSFOOT_URL, then http://127.0.0.1:8080)
  --key KEY        API key (default CROSSFOOT_KEY, then the development key in CROSSFOOT_DATA or ./data)`

export const defaultUrl = 'http://127.0.0.1:8080'

export interface ServiceValues {
  readonly url?: string | undefined
  readonly key?: string | undefined
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`"${text}" is not an http or https URL`)
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

/** The key that the service left for programs on the same machine. */
function readDevelopmentKey(folder: string): string | undefined {
  try {
    const key = readFileSync(join(folder, 'dev-api-key'), 'utf8').trim()
    return key === '' ? undefined : key
  } catch {
    return undefined
  }
}

const notEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** Finds the service and the key: by option, by environment, by the place where `npm start` leaves them. */
export function findService({ url, key }: ServiceValues, { env }: Pick<Terminal, 'env'>): Service {
  return {
    url: readUrl(notEmpty(url) ?? notEmpty(env['CROSSFOOT_URL']) ?? defaultUrl),
    key:
      notEmpty(key) ?? notEmpty(env['CROSSFOOT_KEY']) ?? readDevelopmentKey(notEmpty(env['CROSSFOOT_DATA']) ?? 'data'),
  }
}

/** Calls of the service's API. Each gives the JSON of a good answer, and throws a `ServiceError` otherwise. */
export interface Client {
  readonly service: Service
  readonly getJson: (path: string) => Promise<unknown>
  /** Any call, with a body that is sent as it is. */
  readonly call: (method: Call['method'], path: string, body?: Uint8Array<ArrayBuffer>) => Promise<unknown>
  readonly postJson: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Promise<unknown>
}

export function openClient(values: ServiceValues, terminal: Pick<Terminal, 'env'>): Client {
  const service = findService(values, terminal)
  const call = async (request: Call): Promise<unknown> => bodyOf(service, await callOnce(service, request))
  return {
    service,
    call: (method, path, body) =>
      call({ method, path, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body }) }),
    getJson: (path) => call({ method: 'GET', path }),
    postJson: (path, body, headers = {}) =>
      call({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', ...headers },
        body: new TextEncoder().encode(JSON.stringify(body)),
      }),
  }
}
