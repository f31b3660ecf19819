import type { AccountRule } from './account-rule.ts'
import { albFields, albReader } from './alb.ts'
import { combinedReader } from './combined.ts'
import { envoyReader } from './envoy.ts'
import { extendedLogReader, extendedNames } from './extended-log.ts'
import { haproxyFields, haproxyReader } from './haproxy.ts'
import { caddyNames, caddyReader, cloudflareNames, cloudflareReader, envoyNames, traefikNames } from './json-formats.ts'
import { isRuleField } from './line-reader.ts'
import type { FieldMapping, LineReader, ReaderOptions } from './line-reader.ts'
import { ndjsonNames, ndjsonReader } from './ndjson.ts'
import { nginxJsonNames, nginxJsonReader } from './nginx-json.ts'
import { ngrokEventsReader, ngrokNames } from './ngrok-events.ts'
import { otlpJsonReader, otlpNames } from './otlp-json.ts'
import { traefikReader } from './traefik.ts'

export const formatNames = [
  'nginx-json',
  'nginx-combined',
  'apache-combined',
  'caddy',
  'envoy',
  'haproxy',
  'traefik',
  'cloudfront',
  'w3c',
  'alb',
  'cloudflare-logpush',
  'otlp-json',
  'ngrok-events',
  'ndjson',
] as const
export type FormatName = (typeof formatNames)[number]

/** A format of log files that can be read. */
export interface Format {
  /** What `--map` can name; empty for formats whose fields have fixed places. */
  readonly mappable: readonly string[]
  /** Whether an account rule may name this field. JSON lines may have any. */
  readonly fieldExists: (name: string) => boolean
  /** Where the account is when no rule says otherwise. */
  readonly accountRule?: AccountRule
  /** True when the times of this format have no zone. */
  readonly needsTimeZone?: true
  /** True when a line has the time at which its request began, although it is written at the end. */
  readonly timeIsStart?: true
  /** A reader for one file from its first line on; it may remember what that file's lines said. */
  readonly reader: (mappings: readonly FieldMapping[], options?: ReaderOptions) => LineReader
}

const combined: Format = {
  mappable: [],
  // The combined format does not say which host was asked for.
  fieldExists: (name) => name !== 'host' && isRuleField(name),
  reader: () => combinedReader,
}

function named(names: Readonly<Record<string, readonly string[]>>, reader: Format['reader']): Format {
  return { mappable: Object.keys(names), fieldExists: () => true, reader }
}

const extended = named(extendedNames, extendedLogReader)

export const formats: Readonly<Record<FormatName, Format>> = {
  'nginx-json': named(nginxJsonNames, nginxJsonReader),
  'nginx-combined': combined,
  'apache-combined': { ...combined, timeIsStart: true },
  caddy: named(caddyNames, caddyReader),
  envoy: { ...named(envoyNames, envoyReader), timeIsStart: true },
  haproxy: {
    mappable: [],
    fieldExists: (name) => isRuleField(name) || (haproxyFields as readonly string[]).includes(name),
    needsTimeZone: true,
    timeIsStart: true,
    reader: haproxyReader,
  },
  traefik: { ...named(traefikNames, traefikReader), timeIsStart: true },
  cloudfront: extended,
  w3c: extended,
  alb: { mappable: [], fieldExists: (name) => isRuleField(name) || albFields.has(name), reader: () => albReader },
  'cloudflare-logpush': named(cloudflareNames, cloudflareReader),
  'otlp-json': named(otlpNames, otlpJsonReader),
  'ngrok-events': {
    ...named(ngrokNames, ngrokEventsReader),
    accountRule: { kind: 'field', field: 'account_id' },
  },
  ndjson: { mappable: [...ndjsonNames], fieldExists: () => true, reader: ndjsonReader },
}

export function isFormatName(name: string): name is FormatName {
  return Object.hasOwn(formats, name)
}
