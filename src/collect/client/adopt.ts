import { existsSync, readdirSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { limits as collectorLimits } from '../limits.ts'
import type { Service } from '../service.ts'
import { ServiceError } from '../service.ts'
import { Spool } from '../spool.ts'
import { Counters } from './counters.ts'
import { FileInbox } from './inbox.ts'
import { Shipper, newSpoolState } from './shipper.ts'
import type { Batching, ShipperWorld } from './shipper.ts'
import { beginUse, slotNumbers, sourceOfSlot, syncLosses, takeSlot, unmarkInUse } from './slot.ts'
import type { Slot } from './slot.ts'
import type { Teller } from './trouble.ts'

export interface Adopter {
  readonly service: Service
  readonly teller: Teller
  readonly world: ShipperWorld
  readonly batching: Batching
}

interface Left {
  readonly parent: string
  /** Ours. */
  readonly directory: string
  readonly source: string
  readonly spoolBytesMax: number
}

/** What is wrong with a slot, by its directory, over all the times that it is looked at: it is told once. */
export type Faults = Map<string, string>

/** Sends what processes that are gone have left in their slots of the spool directory, under their own numberings. */
export async function adoptLeftSlots(where: Left, adopter: Adopter, faults: Faults): Promise<void> {
  const isGood = async (directory: string, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work()
      faults.delete(directory)
    } catch (error) {
      // Ours go first: when the service is away, or their spool is damaged, they are left where they are.
      if (error instanceof ServiceError) return
      const { message } = error as Error
      if (faults.get(directory) !== message)
        adopter.teller.tell('spool', `what another process left in ${directory} cannot be sent (${message})`)
      faults.set(directory, message)
    }
  }
  let numbers: number[] = []
  await isGood(where.parent, () => void (numbers = slotNumbers(where.parent)))
  for (const number of numbers) {
    const directory = join(where.parent, `slot-${number}`)
    if (directory !== where.directory) await isGood(directory, () => adoptSlot(number, where, adopter))
  }
}

async function adoptSlot(number: number, where: Left, adopter: Adopter): Promise<void> {
  // A slot without a spool has never been used for anything but its lock.
  if (!hasRecords(join(where.parent, `slot-${number}`))) return
  const slot = takeSlot(where.parent, number)
  if (slot === undefined) return
  try {
    await sendLeft(slot, where, adopter)
  } finally {
    slot.release()
  }
}

function hasRecords(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => /^(segment|hand-over)-/.test(name))
}

async function sendLeft(slot: Slot, { source, spoolBytesMax: bytesMax }: Left, adopter: Adopter): Promise<void> {
  const { directory, number } = slot
  const counters = new Counters()
  const segmentBytesMax = Math.min(collectorLimits.segmentBytesMax, Math.floor(bytesMax / 4))
  const initial = () => newSpoolState(sourceOfSlot(source, number), randomUUID(), adopter.world.now())
  const spool = new Spool(directory, { bytesMax, segmentBytesMax }, initial)
  const inbox = new FileInbox(directory, undefined, spool.state.files)
  const { losses } = beginUse(slot, spool.state.lost)
  counters.set('lost', losses.count)
  losses.close()
  const parts = { ...adopter, inbox, spool, counters, syncLosses: () => syncLosses(directory) }
  const shipper = new Shipper(parts, adopter.batching)
  try {
    const before = { seq: shipper.seq, lost: spool.state.lost, hadUnsent: shipper.hasUnsent }
    for (let taken = shipper.take(); taken === 'full' || shipper.hasUnsent; taken = shipper.take()) {
      // A disk that refuses is not helped by trying at once.
      if (!(await shipper.send())) break
    }
    const hasChanged = before.hadUnsent || shipper.seq > before.seq || losses.count > before.lost
    if (shipper.take() === 'idle') unmarkInUse(slot)
    if (hasChanged) await shipper.checkpoint('now')
  } finally {
    shipper.close()
  }
}
