/** MaxMind databases of a few nodes, so that good and broken ones are read without files of others. */

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([(2 << 5) | Buffer.byteLength(value)]), Buffer.from(value)])
}

function unsigned(kind: number, value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return Buffer.concat([Buffer.from(kind < 8 ? [(kind << 5) | size] : [size, kind - 7]), bytes])
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = (3 << 5) | 8
  bytes.writeDoubleBE(value, 1)
  return bytes
}

/** A value of a record; numbers are written as unsigned 32 bits, `{ double }` as what it says. */
export type MmdbValue = string | number | boolean | { readonly double: number } | { readonly [key: string]: MmdbValue }

function encoded(value: MmdbValue): Buffer {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number') return unsigned(6, value, 4)
  if (typeof value === 'boolean') return Buffer.from([value ? 1 : 0, 7])
  if (typeof value['double'] === 'number' && Object.keys(value).length === 1) return double(value['double'])
  return map(Object.entries(value).map(([key, one]) => [key, encoded(one)]))
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([Buffer.from([(7 << 5) | entries.length]), ...entries.flatMap(([key, one]) => [text(key), one])])
}

/** Where a branch of a node leads. */
export type Branch = { readonly node: number } | { readonly record: number } | 'nothing'

export interface MmdbPlan {
  readonly nodes: readonly (readonly [zero: Branch, one: Branch])[]
  readonly records: readonly MmdbValue[]
  readonly ipVersion: 4 | 6
  readonly type: string
}

export function mmdb({ nodes, records, ipVersion, type }: MmdbPlan): Buffer {
  const contents = records.map(encoded)
  const placeOf = (record: number): number =>
    contents.slice(0, record).reduce((sum, { length }) => sum + length, nodes.length + 16)
  const valueOf = (branch: Branch): number =>
    branch === 'nothing' ? nodes.length : 'node' in branch ? branch.node : placeOf(branch.record)
  const tree = Buffer.concat(
    nodes.flatMap((branches) =>
      branches.map((branch) => {
        const bytes = Buffer.alloc(3)
        bytes.writeUIntBE(valueOf(branch), 0, 3)
        return bytes
      }),
    ),
  )
  const about = map([
    ['binary_format_major_version', unsigned(5, 2, 2)],
    ['binary_format_minor_version', unsigned(5, 0, 2)],
    ['build_epoch', unsigned(9, 1_700_000_000, 6)],
    ['database_type', text(type)],
    ['description', map([['en', text('made by a test')]])],
    ['ip_version', unsigned(5, ipVersion, 2)],
    ['languages', Buffer.concat([Buffer.from([1, 4]), text('en')])],
    ['node_count', unsigned(6, nodes.length, 4)],
    ['record_size', unsigned(5, 24, 2)],
  ])
  const marker = Buffer.from('\u{ab}\u{cd}\u{ef}MaxMind.com', 'latin1')
  return Buffer.concat([tree, Buffer.alloc(16), ...contents, marker, about])
}

/** One record for every address. */
export function mmdbOfAll(record: MmdbValue, { ipVersion = 6, type = 'Test' }: Partial<MmdbPlan> = {}): Buffer {
  return mmdb({ nodes: [[{ record: 0 }, { record: 0 }]], records: [record], ipVersion, type })
}
