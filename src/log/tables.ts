import type { Database, RootDatabase } from 'lmdb'
import { numberKey, numberOf } from './keys.ts'

export type Table = Database<Buffer, Buffer>

/** The tables of the log's state. Everything in them changes in the transaction of a group of commands, or not at all. */
export interface Tables {
  /** first offset → chunk of accepted records */
  readonly chunks: Table
  /** source number + (block of numbers | id) → content hashes, and the day until which they are remembered */
  readonly identities: Table
  /** source + epoch → SourceEntry */
  readonly sources: Table
  /** source number + set + start → end */
  readonly intervals: Table
  /** source number → Tally, as JSON */
  readonly tallies: Table
  /** number → what is held aside, as JSON */
  readonly held: Table
  /** hash of what is held → its number, so that a repetition is not held twice */
  readonly heldIndex: Table
  /** source + day → the counts of `balance.ts`, 8 bytes each */
  readonly balances: Table
  /** number → the counts of one append */
  readonly batches: Table
  /** offset of a version → offset of the correction that superseded it, and the hash of that correction */
  readonly superseded: Table
  /** source + epoch → the source's last Checkpoint, as JSON */
  readonly checkpoints: Table
  /** source + epoch → statements that a person took back, as JSON */
  readonly withdrawn: Table
  /** name → next number */
  readonly counters: Table
  /** name → text, of whoever orders the commands */
  readonly notes: Table
}

export function openTables(root: RootDatabase<Buffer, Buffer>): Tables {
  const table = (name: string): Table => root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' })
  return {
    chunks: table('chunks'),
    identities: table('identities'),
    sources: table('sources'),
    intervals: table('intervals'),
    tallies: table('tallies'),
    held: table('held'),
    heldIndex: table('held_index'),
    balances: table('balances'),
    batches: table('batches'),
    superseded: table('superseded'),
    checkpoints: table('checkpoints'),
    withdrawn: table('withdrawn'),
    counters: table('counters'),
    notes: table('notes'),
  }
}

export function readCounter(tables: Tables, name: string): number {
  const stored = tables.counters.get(Buffer.from(name))
  return stored === undefined ? 0 : numberOf(stored)
}

export function writeCounter(tables: Tables, name: string, value: number): void {
  tables.counters.putSync(Buffer.from(name), numberKey(value))
}

export function countUp(tables: Tables, name: string): number {
  const number = readCounter(tables, name)
  writeCounter(tables, name, number + 1)
  return number
}
