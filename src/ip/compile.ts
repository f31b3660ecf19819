/** Makes one table of all sources of a version: for every address all that they say, found by one search. */
import { assert } from '../core/result.ts'
import { overlay, noRanges } from './ranges.ts'
import type { Ranges } from './ranges.ts'
import { flags, mergedOf, together } from './said.ts'
import type { Flag, Label, Merged } from './said.ts'
import type { SourceTable } from './source-table.ts'

export const limits = {
  /** Different answers of a version. */
  answersMax: 4_000_000,
} as const

/** A source of a version: which it is, and what it says. */
export interface CompileSource {
  readonly name: string
  readonly version: string
  readonly table: SourceTable
}

export interface CompleteFlags {
  readonly four: readonly Flag[]
  readonly six: readonly Flag[]
}

/** What is written into the compiled file; `profiles` are what ranges point at. */
export interface Compiled {
  readonly sources: readonly { readonly name: string; readonly version: string }[]
  /** Flags that a source knows of every address of a family. */
  readonly complete: CompleteFlags
  readonly four: Ranges
  readonly six: Ranges
  /** For each profile the number of its `asn`, `countries` and `about`. */
  readonly profiles: Uint32Array
  readonly asns: readonly AsnPart[]
  readonly countries: readonly CountryPart[]
  readonly about: readonly AboutPart[]
}

export type AsnPart = Merged['asn'] | null

export interface CountryPart {
  readonly located: NonNullable<Merged['located']> | null
  readonly registered: NonNullable<Merged['registered']> | null
}

export interface AboutPart {
  readonly labels: NonNullable<Merged['labels']>
  readonly anonymity: NonNullable<Merged['anonymity']> | null
}

/** What has been merged so far; `records` are shared by both families. */
interface Layer {
  readonly four: Ranges
  readonly six: Ranges
  readonly records: readonly Merged[]
}

/** Pairs of records that lie over each other, each pair merged once. */
function lay(upper: Layer, lower: Layer): Layer {
  const records: Merged[] = [{}]
  const numbers = new Map<number, number>([[0, 0]])
  const width = lower.records.length
  const combine = (above: number, below: number): number => {
    const pair = above * width + below
    const known = numbers.get(pair)
    if (known !== undefined) return known
    assert(records.length < limits.answersMax, 'a version has not too many different answers')
    records.push(together(upper.records[above] ?? {}, lower.records[below] ?? {}))
    numbers.set(pair, records.length - 1)
    return records.length - 1
  }
  return { four: overlay(upper.four, lower.four, combine), six: overlay(upper.six, lower.six, combine), records }
}

function layerOf({ table }: CompileSource, by: number): Layer {
  return { four: table.four, six: table.six, records: table.records.map((said) => mergedOf(said, by)) }
}

/** Every part once, and its number. */
class Parts<Part> {
  readonly list: Part[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(part: Part): number {
    const text = JSON.stringify(part)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.list.push(part)
    this.#numbers.set(text, this.list.length - 1)
    return this.list.length - 1
  }
}

type LabelsOfAsn = ReadonlyMap<number, readonly (Label & { readonly by: number })[]>

function labelsOfAsns(sources: readonly CompileSource[]): LabelsOfAsn {
  const all = new Map<number, readonly (Label & { readonly by: number })[]>()
  sources.forEach(({ table }, by) => {
    for (const [asn, labels] of table.asns)
      all.set(asn, [...(all.get(asn) ?? []), ...labels.map((label) => ({ ...label, by }))])
  })
  return all
}

function completeIn(sources: readonly CompileSource[], family: 'four' | 'six'): readonly Flag[] {
  const speaking = sources.filter(({ table }) => table[family].records.some((record) => record !== 0))
  return flags.filter((flag) => speaking.some(({ table }) => table.complete.includes(flag)))
}

/** Compiles the sources of a version; the first precedes the second, and so on. */
export function compile(sources: readonly CompileSource[]): Compiled {
  const empty: Layer = { four: noRanges(4), six: noRanges(6), records: [{}] }
  const layers = sources.map(layerOf).filter(({ records }) => records.length > 1)
  const { four, six, records } = layers.reduce((upper, lower) => lay(upper, lower), empty)
  const ofAsn = labelsOfAsns(sources)
  const [asns, countries, about] = [new Parts<AsnPart>(), new Parts<CountryPart>(), new Parts<AboutPart>()]
  const profiles = new Uint32Array(records.length * 3)
  records.forEach(({ asn, located, registered, anonymity, labels = [] }, index) => {
    const all = [...labels, ...(asn === undefined ? [] : (ofAsn.get(asn.number) ?? []))]
    profiles[index * 3] = asns.numberOf(asn ?? null)
    profiles[index * 3 + 1] = countries.numberOf({ located: located ?? null, registered: registered ?? null })
    profiles[index * 3 + 2] = about.numberOf({ labels: all, anonymity: anonymity ?? null })
  })
  return {
    sources: sources.map(({ name, version }) => ({ name, version })),
    complete: { four: completeIn(sources, 'four'), six: completeIn(sources, 'six') },
    four,
    six,
    profiles,
    asns: asns.list,
    countries: countries.list,
    about: about.list,
  }
}
