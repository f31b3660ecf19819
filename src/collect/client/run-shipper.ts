import { ServiceError } from '../service.ts'
import { limits } from './limits.ts'
import type { Shipper } from './shipper.ts'
import type { Teller } from './trouble.ts'
import type { Waker } from '../waker.ts'

/** What the host asks for, and what the loops of a shipper wake each other with. */
export interface Pace {
  /** Fires when everything that there is shall be sent, and then no more. */
  readonly closing: AbortSignal
  /** Fires when the time for that is over. */
  readonly over: AbortSignal
  /** The number up to which everything shall be sent at once, without waiting for a full request. */
  flushTo(): number
  /** Something was taken, or sent. */
  moved(): void
  readonly takeWaker: Waker
  readonly sendWaker: Waker
  /** Between attempts: nothing that is recorded meanwhile ends it. */
  readonly backOff: Waker
}

/** Takes and sends side by side, and once more each when it is to end. */
export async function runShipper(shipper: Shipper, pace: Pace, teller: Teller): Promise<void> {
  await Promise.all([takeAll(shipper, pace), sendAll(shipper, pace, teller)])
  while (!pace.over.aborted) {
    const taken = shipper.take()
    if (!shipper.hasUnsent && taken === 'idle') break
    if (shipper.hasUnsent) await trySend(shipper, pace, teller)
    else await pace.backOff.wait(limits.fullMs)
  }
}

async function takeAll(shipper: Shipper, pace: Pace): Promise<void> {
  while (!pace.closing.aborted) {
    const taken = shipper.take()
    pace.moved()
    pace.sendWaker.wake()
    await pace.takeWaker.wait(taken === 'full' ? limits.fullMs : limits.idleMs)
    // More is recorded meanwhile, and one sync is enough for all of it.
    await pace.takeWaker.wait(limits.gatherMs)
  }
}

async function sendAll(shipper: Shipper, pace: Pace, teller: Teller): Promise<void> {
  while (!pace.closing.aborted) {
    const due = pace.flushTo() > shipper.acknowledgedSeq ? 0 : shipper.dueInMs()
    if (due === 0) await trySend(shipper, pace, teller)
    await shipper.checkpoint()
    if (due !== 0) await pace.sendWaker.wait(due ?? limits.checkpointEveryMs)
  }
}

/** Whatever the service says, records wait: a wrong key can be put right, and a service comes back. */
async function trySend(shipper: Shipper, pace: Pace, teller: Teller): Promise<void> {
  try {
    await shipper.send()
    pace.moved()
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const isRefusal = error.status !== undefined && error.status >= 400 && error.status < 500
    teller.tell(isRefusal ? 'refused' : 'unreachable', `${error.message}; records wait, trying again`)
    await pace.backOff.wait(limits.sendAgainMs)
  }
}
