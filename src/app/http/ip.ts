import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import type { Principal } from '../../account/authenticate.ts'
import { Refusal } from '../../core/errors.ts'
import { formatInstant } from '../../core/time.ts'
import type { Micros } from '../../core/time.ts'
import { formatAddress, parseAddress } from '../../ip/address.ts'
import { answerOf, answerWithoutVersion } from '../../ip/answer.ts'
import type { IpAnswer } from '../../ip/answer.ts'
import { findVersion, listVersions } from '../../ip/catalogue.ts'
import type { Source, Version } from '../../ip/catalogue.ts'
import { ipVersionText } from '../../ingest/address-facts.ts'
import { limits as sourceLimits, sourceForms } from '../../ip/read-source.ts'
import { flags } from '../../ip/said.ts'
import { askAddressSeen } from '../../store/addresses.ts'
import type { OpenVersion } from '../ip.ts'
import type { Service } from '../service.ts'
import { principalOf, requireOperator } from './access.ts'
import type { Server } from './routes.ts'
import { instant, instantOrNull, pageSize } from './schema.ts'

export const limits = {
  /** Addresses of one question. */
  addressesMax: 10_000,
  /** So many are answered before others have their turn: some 10 ms. */
  addressesAtOnce: 250,
} as const

const list = z.object({ list: z.string(), list_version: z.string() })

const answerSchema = z.object({
  address: z.string(),
  version: z.string().nullable(),
  network: z.string().nullable(),
  asn: list.extend({ number: z.number(), organisation: z.string().nullable() }).nullable(),
  country: z.object({ located: z.string().nullable(), registered: z.string().nullable() }),
  country_lists: z.object({ located: list.nullable(), registered: list.nullable() }),
  provider: z.object({ name: z.string(), region: z.string().nullable(), hosting: z.boolean() }).nullable(),
  categories: z
    .array(list.extend({ name: z.string(), implied: z.boolean(), reference: z.string().nullable() }))
    .readonly(),
  flags: z.record(z.enum(flags), z.boolean().nullable()),
  confidence: list.extend({ value: z.number() }).nullable(),
  list_last_seen: z.string().nullable(),
  anonymizer: z.string().nullable(),
  first_seen: z.string().nullable().optional(),
  last_seen: z.string().nullable().optional(),
})

function invalid(text: string): Refusal {
  return new Refusal(
    'IP_ADDRESS_INVALID',
    `${JSON.stringify(text.slice(0, 60))} is no address; write 192.0.2.1 or 2001:db8::1, without port, brackets or zone`,
  )
}

function problemOf(address: string): Record<string, unknown> {
  const { code, message } = invalid(address)
  return { address, error: { code, message } }
}

/** What is known of one address; null: the text is none. */
function describe(opened: OpenVersion | null, text: string): IpAnswer | null {
  if (opened !== null) {
    const placed = opened.table.place(text)
    return placed === null ? null : answerOf(opened.text, opened.table, placed)
  }
  const address = parseAddress(text)
  return address === null ? null : answerWithoutVersion(address.family, address.value)
}

/** L11: in the caller's own traffic; an operator's is everybody's. */
async function seenJson(
  { engine }: Service,
  { account }: Principal,
  text: string,
): Promise<{ first_seen: string | null; last_seen: string | null }> {
  const address = parseAddress(text)
  const usual = address === null ? text : formatAddress(address.family, address.value)
  const seen = await askAddressSeen(
    engine,
    account === null ? { kind: 'operator', question: 'address_seen' } : { kind: 'account', account },
    usual,
  )
  return { first_seen: instantOrNull(seen?.first ?? null), last_seen: instantOrNull(seen?.last ?? null) }
}

function sourceJson(source: Source): Record<string, unknown> {
  const { name, origin, form, version, about, networks, says } = source
  return {
    name,
    origin,
    form,
    version,
    about,
    networks,
    says,
    file_sha256: source.fileSha256,
    file_bytes: source.fileBytes,
    sha256: source.sha256,
    taken_at: formatInstant(source.takenAt),
    taken_by: source.takenBy,
  }
}

function versionJson({ number, from, change, by, sources }: Version): Record<string, unknown> {
  return {
    version: ipVersionText(number),
    number,
    in_force_from: formatInstant(from),
    change,
    by,
    sources: sources.map(sourceJson),
  }
}

const asOf = instant.optional()

function addQuestions(server: Server, service: Service): void {
  const { ip } = service
  const at = (time: Micros | undefined): Promise<OpenVersion | null> => ip.at(time ?? null)
  server.get(
    '/v1/ip/:address',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What is known of an address: network, country, provider, categories, flags',
        description:
          'as_of: by the version that was in force then. null is not known, never no; a flag is false only where a source lists all addresses that have it. ' +
          'seen=true adds when the address was first and last in the traffic of the key’s account (an operator’s: of all accounts), as far as inspection records are kept.',
        params: z.object({ address: z.string().min(1).max(100) }),
        querystring: z.object({ as_of: asOf, seen: z.stringbool().optional() }),
        response: { 200: answerSchema },
      },
    },
    async (request, reply) => {
      const { address } = request.params
      const found = describe(await at(request.query.as_of), address)
      if (found === null) throw invalid(address)
      const seen = request.query.seen === true ? await seenJson(service, principalOf(request), address) : {}
      return reply.send({ ...found, ...seen })
    },
  )
  server.post(
    '/v1/ip',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'What is known of many addresses',
        description: `At most ${limits.addressesMax} at once. Results are in the order of the question; a text that is no address has an error in the place of its answer.`,
        body: z
          .object({ addresses: z.array(z.string().max(100)).min(1).max(limits.addressesMax), as_of: asOf })
          .strict(),
      },
    },
    async (request, reply) => {
      const { addresses, as_of } = request.body
      const opened = await at(as_of)
      const results: string[] = []
      for (const address of addresses) {
        // Ten thousand answers take half a second, in which nobody else would be answered (L12).
        if (results.length % limits.addressesAtOnce === limits.addressesAtOnce - 1) await setImmediate()
        results.push(JSON.stringify(describe(opened, address) ?? problemOf(address)))
      }
      const version = JSON.stringify(opened?.text ?? null)
      return reply
        .type('application/json; charset=utf-8')
        .send(`{"version":${version},"results":[${results.join(',')}]}`)
    },
  )
}

const supply = z
  .object({
    as: z.enum(sourceForms).optional(),
    category: z.string().min(1).max(100).optional(),
    version: z.string().trim().min(1).max(100).optional(),
  })
  .strict()

const named = z.object({ name: z.string().min(1).max(100) })

/** Who changed it: the key, by its name. */
function authorOf({ name, keyId }: Principal): string {
  return `${name} (${keyId})`
}

function addTaking(server: Server, { ip }: Service): void {
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
    scope.put<{ Params: { name: string }; Querystring: z.infer<typeof supply> }>(
      '/v1/ip/sources/:name',
      {
        config: { scope: 'admin' },
        bodyLimit: sourceLimits.fileBytesMax,
        schema: {
          summary: 'Take in a database or a list of addresses; it precedes what comes with Crossfoot',
          description:
            'The body is the file: a MaxMind database (ASN, Country, City, Anonymous IP, Anonymous Plus), Amazon’s ip-ranges.json, a list of networks (with ' +
            'category), CSV of network,category,region, or of autonomous systems (with category). The whole file is read and checked; one that is ' +
            'broken is refused, and what was in force stays. Facts that were recorded keep what they say.',
          params: named,
          querystring: supply,
        },
      },
      async (request) => {
        const principal = requireOperator(request)
        const { as: form = null, category = null, version = null } = request.query
        if (!(request.body instanceof Readable))
          throw new Refusal('BODY_EMPTY', 'the request has no body: send the file')
        const { name } = request.params
        const made = await ip.add({ name, body: request.body, form, category, version, by: authorOf(principal) })
        return { changed: made.changed, ...versionJson(made.version) }
      },
    )
    done()
  })
}

function addManagement(server: Server, { ip, database }: Service): void {
  server.get(
    '/v1/ip/sources',
    { config: { scope: 'usage:read' }, schema: { summary: 'Sources of IP metadata in force; the first precedes' } },
    async () => {
      const version = await findVersion(database, null)
      return {
        version: version === null ? null : ipVersionText(version.number),
        in_force_from: instantOrNull(version?.from ?? null),
        sources: (version?.sources ?? []).map(sourceJson),
      }
    },
  )
  server.get(
    '/v1/ip/versions',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Versions of IP metadata, newest first',
        querystring: z.object({ cursor: z.coerce.number().int().min(1).optional(), limit: pageSize }),
      },
    },
    async (request) => {
      const { cursor = null, limit } = request.query
      const versions = await listVersions(database, { before: cursor, most: limit })
      const last = versions.at(-1)
      const isMore = last !== undefined && last.number > 1
      return { versions: versions.map(versionJson), next_cursor: isMore ? String(last.number) : null }
    },
  )
  server.delete(
    '/v1/ip/sources/:name',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Take a source out of force; past versions keep it', params: named },
    },
    async (request) => {
      const principal = requireOperator(request)
      const { changed, version } = await ip.remove(request.params.name, authorOf(principal))
      return { changed, ...versionJson(version) }
    },
  )
}

/** IP metadata: what is known of addresses, and the sources that say so. */
export function addIpRoutes(server: Server, service: Service): void {
  addManagement(server, service)
  addTaking(server, service)
  addQuestions(server, service)
}
