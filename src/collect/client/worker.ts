/**
 * The client's own thread: it has the spool, syncs it, and talks with the service, so that the host's thread does
 * nothing but hand over. Started by client.ts.
 */
import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../../core/result.ts'
import { systemClock } from '../../core/time.ts'
import type { Service } from '../service.ts'
import { Spool } from '../spool.ts'
import { limits as collectorLimits } from '../limits.ts'
import { adoptLeftSlots } from './adopt.ts'
import type { Faults } from './adopt.ts'
import { Counters } from './counters.ts'
import { FileInbox, PortInbox } from './inbox.ts'
import { limits } from './limits.ts'
import { MemorySpool } from './memory-spool.ts'
import type { EventSpool } from './memory-spool.ts'
import type { FromWorker, ToWorker, WorkerTask } from './message.ts'
import { runShipper } from './run-shipper.ts'
import type { Pace } from './run-shipper.ts'
import { Shipper, newSpoolState } from './shipper.ts'
import type { ShipperWorld } from './shipper.ts'
import { sourceOfSlot, syncLosses } from './slot.ts'
import { Teller } from './trouble.ts'
import { Waker } from '../waker.ts'

assert(parentPort !== null, 'this file is started as a worker')
const host = parentPort
const task = workerData as WorkerTask
const counters = new Counters(task.counters)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
const say = (message: FromWorker): void => host.postMessage(message)
const teller = new Teller((trouble) => say({ kind: 'trouble', trouble }))
const [closing, over] = [new AbortController(), new AbortController()]
const pace = {
  closing: closing.signal,
  over: over.signal,
  flushTo: (): number => flushTo,
  moved(): void {
    if (counters.get('listening') > 0) say({ kind: 'moved' })
  },
  takeWaker: new Waker(closing.signal),
  sendWaker: new Waker(closing.signal),
  backOff: new Waker(over.signal),
} satisfies Pace
const service: Service = { url: task.url, key: task.key, signal: over.signal }
const world: ShipperWorld = {
  now: () => systemClock.now(),
  elapsed: () => performance.now(),
  random: Math.random,
  wait(milliseconds, reason) {
    teller.tell('unreachable', `the service at ${task.url} does not take events (${reason}); they wait, trying again`)
    return pace.backOff.wait(milliseconds)
  },
}
let flushTo = 0

function openParts(): { readonly inbox: FileInbox | PortInbox; readonly spool: EventSpool } {
  const { where } = task
  const source = where.kind === 'memory' ? task.source : sourceOfSlot(task.source, where.slot)
  const initial = () => newSpoolState(source, randomUUID(), world.now())
  if (where.kind === 'memory')
    return { inbox: new PortInbox(where.port), spool: new MemorySpool(where.spoolBytesMax, initial) }
  const segmentBytesMax = Math.min(collectorLimits.segmentBytesMax, Math.floor(where.spoolBytesMax / 4))
  const spool = new Spool(where.directory, { bytesMax: where.spoolBytesMax, segmentBytesMax }, initial)
  return { inbox: new FileInbox(where.directory, where.run, spool.state.files), spool }
}

function syncOwnLosses(): void {
  if (task.where.kind === 'files') syncLosses(task.where.directory)
}

const parts = { ...openParts(), service, counters, teller, world, syncLosses: syncOwnLosses }
const shipper = new Shipper(parts, task.batching)

host.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'wake':
      pace.takeWaker.wake()
      break
    case 'flush':
      shipper.take()
      flushTo = shipper.seq
      pace.moved()
      pace.sendWaker.wake()
      pace.backOff.wake()
      break
    case 'close':
      setTimeout(() => over.abort(), message.limitMs)
      closing.abort()
      pace.backOff.wake()
      break
  }
})

/** Other processes may have gone and left records behind; when our own arrive, theirs do too. */
async function adoptNowAndThen(): Promise<void> {
  const { where, batching } = task
  const waker = new Waker(closing.signal)
  const faults: Faults = new Map()
  const ownWorld = { ...world, wait: (milliseconds: number) => waker.wait(milliseconds) }
  const adopter = { service: { ...service, signal: closing.signal }, teller, world: ownWorld, batching }
  while (where.kind === 'files' && !closing.signal.aborted) {
    if (!shipper.hasUnsent) await adoptLeftSlots({ ...where, source: task.source }, adopter, faults)
    await waker.wait(limits.adoptEveryMs)
  }
}

await Promise.all([runShipper(shipper, pace, teller), adoptNowAndThen()])
const lost = task.where.kind === 'memory' ? shipper.abandon() : 0
if (lost > 0) teller.tell('lost', `${lost} records could not be sent in time and are lost with their process`)
// The time may be over, but what was lost is said as long as anybody listens.
await shipper.checkpoint('now', { ...service, signal: AbortSignal.timeout(limits.closeGraceMs / 2) })
shipper.close()
say({ kind: 'closed' })
// Nothing is left to wait for: a call that hangs must not hold the thread.
setImmediate(() => process.exit(0))
