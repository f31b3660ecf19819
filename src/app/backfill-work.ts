/**
 * The work of closing and reverting backfill jobs. Each step is decided by what the log and the store say at that
 * moment, never by what was planned before, so that it can be cut off anywhere and go on, minutes or weeks later (L2):
 * a batch is written down, appended, and its result written down; what the store has is not new any more.
 */
import { heldLengthMax } from '../core/record.ts'
import type { Arrival, Decision, LogRecord, ParsedEvent } from '../core/record.ts'
import type { Offset } from '../core/ids.ts'
import { assert } from '../core/result.ts'
import type { EventLog } from '../log/log.ts'
import { askStaged, dropStaged } from '../store/staged.ts'
import type { StagedEvent, StoredIdentity } from '../store/staged.ts'
import type { StagedJob } from '../store/staged-rows.ts'
import { contentHash } from '../ingest/event.ts'
import { requireLoads } from './backfill-preview.ts'
import { batchesOf, decisionsOf, finish, insertBatch, loadsOf, setBatchResult, stagedJobOf } from './backfill-table.ts'
import type { Backfill, Batch } from './backfill-table.ts'
import { hasFact, newestOf, readVersions, waitForStore } from './corrections.ts'
import { planCorrection, planRestoration } from './corrections-plan.ts'
import type { Service } from './service.ts'

export const limits = {
  /** Events, and loads (each of one body at most), that are looked at and appended at once. */
  partEvents: 5_000,
  partLoads: 4,
  /** Events that are taken back at once. */
  retractEvents: 2_000,
  batchesPage: 1_000,
} as const

export type WorkPorts = Pick<Service, 'database' | 'engine' | 'log' | 'projector' | 'world' | 'append' | 'ownership'>

/** Under this name the log keeps what a batch of a job brought. */
function senderOf(job: string, batch: number | 'conflicts' | 'revert'): string {
  return `backfill:${job}:${batch}`
}

/** What became of a batch whose answer was never seen: the log knows who sent what. */
async function lookUp(log: EventLog, sender: string, { logEnd }: Batch): Promise<NonNullable<Batch['result']>> {
  let found = { first: logEnd, accepted: 0 }
  for (let before: number | null = null; ;) {
    const page = await log.batches({ before, most: limits.batchesPage })
    for (const batch of page) {
      // Batches lie in the order of their offsets: what is below came before this one was decided.
      if (batch.first < logEnd) return found
      if (batch.sender === sender && Number(batch.accepted) > found.accepted)
        found = { first: batch.first, accepted: Number(batch.accepted) }
    }
    const last = page.at(-1)
    if (last === undefined || page.length < limits.batchesPage) return found
    before = last.number
  }
}

/** Gives every batch its result, and returns the number of the next one. */
async function settle({ database, log }: WorkPorts, job: string): Promise<number> {
  const batches = await batchesOf(database, job)
  for (const batch of batches) {
    if (batch.result !== null) continue
    const result = await lookUp(log, senderOf(job, batch.number), batch)
    await setBatchResult(database, job, { number: batch.number, result })
  }
  return (batches.at(-1)?.number ?? 0) + 1
}

function parsed({ event }: StagedEvent): ParsedEvent {
  return { ...event, hash: contentHash(event.fact, event.inspection) }
}

type RetractedEvent = StagedEvent & { readonly stored: StoredIdentity }

interface Judged {
  readonly fresh: StagedEvent[]
  /** To be brought back. */
  readonly retracted: RetractedEvent[]
  /** What contradicts what came first. */
  readonly other: StagedEvent[]
}

function isRetracted(event: StagedEvent): event is RetractedEvent {
  return event.stored?.retracted === true
}

/** What a page comes to, each identity once. As `askVerdicts` counts it. */
function judge(page: readonly StagedEvent[], { restores }: StagedJob): Judged {
  const first = new Map<string, string>()
  const judged: Judged = { fresh: [], retracted: [], other: [] }
  for (const event of page) {
    const { identity, content, stored } = event
    if (isRetracted(event) && !restores) continue
    const isKnown = first.has(identity) || (stored !== null && !stored.retracted)
    if (!isKnown) {
      first.set(identity, content)
      if (isRetracted(event)) judged.retracted.push(event)
      else judged.fresh.push(event)
    } else if (first.get(identity) !== content && stored?.contents.includes(content) !== true) judged.other.push(event)
  }
  return judged
}

/** New versions of what was retracted. Throws when one was restored otherwise since the store was asked. */
async function restorationsOf(
  ports: WorkPorts,
  retracted: readonly RetractedEvent[],
  decision: Decision,
): Promise<Arrival[]> {
  const newest = new Map<Offset, RetractedEvent>()
  for (const event of retracted) newest.set(await newestOf(ports, event.stored.last), event)
  return (await readVersions(ports, [...newest.keys()])).map((version: LogRecord) => {
    const staged = newest.get(version.offset)
    assert(staged !== undefined, 'only versions of staged events were read')
    if (hasFact(version)) throw meanwhile()
    return planRestoration(version, parsed(staged), decision)
  })
}

function meanwhile(): Error {
  return new Error('an event of the job was corrected meanwhile; the job looks at it again')
}

/** Kept aside where conflicts of ordinary events are: visible, never counted (L1). */
function heldOf({ event }: StagedEvent): Arrival {
  const { source, epoch, id, seq, fact, inspection } = event
  const problem = {
    code: 'EVENT_CONFLICT',
    message: 'an event with this identity and other content was accepted before',
  } as const
  const raw = `${fact}${inspection ?? ''}`.slice(0, heldLengthMax)
  return { kind: 'held', held: { source, epoch, id, seq, problem, raw } }
}

/** The loads of a job, some at a time. */
async function* partsOf({ database }: WorkPorts, job: StagedJob): AsyncGenerator<StagedJob> {
  let [loads, events]: [string[], number] = [[], 0]
  for (const load of await loadsOf(database, job.job)) {
    if (loads.length > 0 && (events + load.events > limits.partEvents || loads.length === limits.partLoads)) {
      yield { ...job, loads }
      ;[loads, events] = [[], 0]
    }
    loads.push(load.content)
    events += load.events
  }
  if (loads.length > 0) yield { ...job, loads }
}

/** Holds one part against a store that has all of the log, and appends what follows from it. */
async function appendPart(
  ports: WorkPorts,
  part: StagedJob,
  { number, ...decision }: Decision & { readonly number: number },
): Promise<void> {
  const logEnd = await waitForStore(ports)
  const { fresh, retracted, other } = judge(await askStaged(ports.engine, part), part)
  const events = fresh.map((event): Arrival => ({ kind: 'event', event: parsed(event) }))
  const arrivals = [...events, ...(await restorationsOf(ports, retracted, decision))]
  if (arrivals.length > 0) {
    await insertBatch(ports.database, part.job, { number, logEnd })
    const { outcomes } = await ports.append(arrivals, senderOf(part.job, number))
    const offsets = outcomes.flatMap((outcome) => (outcome.kind === 'accepted' ? [outcome.offset] : []))
    const result = { first: offsets[0] ?? logEnd, accepted: offsets.length }
    await setBatchResult(ports.database, part.job, { number, result })
    if (outcomes.slice(events.length).some(({ kind }) => kind === 'conflict')) throw meanwhile()
  }
  // Again after a crash: what is held already is not held twice.
  if (other.length > 0) await ports.append(other.map(heldOf), senderOf(part.job, 'conflicts'))
}

/** Appends what is new, keeps aside what contradicts, and ends the job. */
export async function workOnClosing(ports: WorkPorts, backfill: Backfill, isStopped: () => boolean): Promise<void> {
  const job = await stagedJobOf(ports.database, backfill)
  await requireLoads(ports, job)
  // What is brought back carries the name of whoever closed the job.
  const decision = (await decisionsOf(ports.database, job.job)).findLast(({ command }) => command === 'close')
  const { by, reason } = decision ?? backfill
  let number = await settle(ports, backfill.id)
  for await (const part of partsOf(ports, job)) {
    if (isStopped()) return
    await appendPart(ports, part, { number, by, reason })
    number += 1
  }
  await finish(ports.database, backfill.id)
  await dropStaged(ports.engine, backfill.id)
}

/** Retractions of those versions that still count. */
async function retractionsOf(ports: WorkPorts, offsets: readonly Offset[], decision: Decision): Promise<Arrival[]> {
  const newest: Offset[] = []
  for (const offset of offsets) newest.push(await newestOf(ports, offset))
  const { by, reason } = decision
  const door = { by, reason, now: ports.world.now(), ownerAt: () => null }
  return (await readVersions(ports, newest))
    .filter(hasFact)
    .map((version) => planCorrection({ version, content: version }, { kind: 'retract' }, door).arrival)
}

/** Takes back what one batch brought, whatever versions it has by now. Again until nothing of it counts. */
async function retract(ports: WorkPorts, job: string, offsets: readonly Offset[], decision: Decision): Promise<void> {
  for (;;) {
    const arrivals = await retractionsOf(ports, offsets, decision)
    if (arrivals.length === 0) return
    await ports.append(arrivals, senderOf(job, 'revert'))
  }
}

/** Retracts exactly what the job brought, with the author and the reason of whoever decided to revert it. */
export async function workOnReverting(ports: WorkPorts, { id }: Backfill, isStopped: () => boolean): Promise<void> {
  const decision = (await decisionsOf(ports.database, id)).findLast(({ command }) => command === 'revert')
  assert(decision !== undefined, 'a job that is reverting was decided to be reverted')
  await settle(ports, id)
  for (const batch of await batchesOf(ports.database, id)) {
    assert(batch.result !== null, 'every batch is settled')
    // On a shared log an append whose answer was lost may have been applied after it was looked for.
    const isDoubtful = batch.result.accepted === 0
    const result = isDoubtful ? await lookUp(ports.log, senderOf(id, batch.number), batch) : batch.result
    for (let done = 0; done < result.accepted; done += limits.retractEvents) {
      if (isStopped()) return
      const count = Math.min(limits.retractEvents, result.accepted - done)
      const offsets = Array.from({ length: count }, (_, index) => (result.first + done + index) as Offset)
      await retract(ports, id, offsets, decision)
    }
  }
  await finish(ports.database, id)
}
