import type { Offset } from '../core/ids.ts'
import type { Arrival, Decision, LogRecord } from '../core/record.ts'
import type { Micros } from '../core/time.ts'
import type { CommandKind, CommandOf, Effects } from './command.ts'
import type {
  Appended,
  Batch,
  Checkpoint,
  DayBalance,
  EventLog,
  HeldBalance,
  HeldFilter,
  HeldPage,
  HeldRecord,
  Numbered,
  Page,
  SourceEpoch,
  StatedCheckpoint,
} from './log.ts'
import type { LogState } from './state.ts'

/** A log over a state: writes are commands that whoever extends it brings into order; reads are of the state. */
export abstract class LogOnState implements EventLog {
  protected readonly state: LogState

  constructor(state: LogState) {
    this.state = state
  }

  /** Resolves with what the command came to, when that is durable. */
  protected abstract submit<K extends CommandKind>(command: CommandOf<K>): Promise<Effects[K]>
  abstract name(): string
  abstract close(): Promise<void>

  append(arrivals: readonly Arrival[], now: Micros, sender = ''): Promise<Appended> {
    return this.submit<'append'>({ kind: 'append', now, sender, arrivals })
  }

  checkpoint(stated: StatedCheckpoint, now: Micros): Promise<Checkpoint> {
    return this.submit<'checkpoint'>({ kind: 'checkpoint', now, stated })
  }

  withdrawCheckpoint({ source, epoch }: Numbered, decision: Decision, now: Micros): Promise<boolean> {
    return this.submit<'withdraw_checkpoint'>({ kind: 'withdraw_checkpoint', now, source, epoch, decision })
  }

  writeOff(numbers: readonly number[], decision: Decision, now: Micros): Promise<number> {
    return this.submit<'write_off'>({ kind: 'write_off', now, numbers, decision })
  }

  end(): Offset {
    return this.state.end()
  }

  read(from: Offset, most: number): Promise<readonly LogRecord[]> {
    return Promise.resolve(this.state.read(from, most))
  }

  supersededBy(version: Offset): Promise<Offset | null> {
    return Promise.resolve(this.state.supersededBy(version))
  }

  source(name: string): Promise<readonly SourceEpoch[] | null> {
    return Promise.resolve(this.state.source(name))
  }

  sources(page: Page): Promise<readonly string[]> {
    return Promise.resolve(this.state.sources(page))
  }

  balances(page: Page): Promise<readonly DayBalance[]> {
    return Promise.resolve(this.state.balances(page))
  }

  batches(page: { before: number | null; most: number }): Promise<readonly Batch[]> {
    return Promise.resolve(this.state.batches(page))
  }

  held(page: { before: number | null; most: number; filter?: HeldFilter }): Promise<HeldPage> {
    return Promise.resolve(this.state.held(page))
  }

  heldByNumber(number: number): Promise<HeldRecord | null> {
    return Promise.resolve(this.state.heldByNumber(number))
  }

  heldTotals(): Promise<HeldBalance> {
    return Promise.resolve(this.state.heldTotals())
  }

  forget(before: Micros): Promise<void> {
    return this.state.forget(before)
  }

  forgotten(): Micros | null {
    return this.state.forgotten()
  }
}
