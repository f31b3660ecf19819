import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LossFile, beginUse, claimDirectory, takeFreeSlot } from './slot.ts'
import type { Slot } from './slot.ts'

const root = fs.mkdtempSync(join(tmpdir(), 'crossfoot-slot-'))
afterAll(() => fs.rmSync(root, { recursive: true }))

let parent: string
let slot: Slot
beforeEach(() => {
  parent = join(fs.mkdtempSync(join(root, 'spool-')), 'deep', 'er')
  claimDirectory(parent, 'api')
  slot = takeFreeSlot(parent)
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  slot.release()
})

/** The files and folders that are synced from now on, with what a power loss from then on leaves in the file. */
function watchSyncs(): string[] {
  const synced: string[] = []
  const real = fs.fsyncSync
  vi.spyOn(fs, 'fsyncSync').mockImplementation((file) => {
    const path = fs.readlinkSync(`/proc/self/fd/${file}`)
    const isFolder = fs.statSync(path).isDirectory()
    synced.push(`${path.slice(parent.length)}${isFolder ? '/' : ` ${fs.readFileSync(path).readUInt8(0)}`}`)
    real(file)
  })
  syncBuiltinESMExports()
  return synced
}

describe('a slot', () => {
  test.runIf(process.platform === 'linux')('what it says of losses and of its use is durable, in this order', () => {
    fs.writeFileSync(join(slot.directory, 'in-use'), 'another boot')
    const synced = watchSyncs()
    const { losses, hasGoneDown } = beginUse(slot, 0)
    expect([hasGoneDown, losses.count]).toEqual([true, 1])
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id').readUInt8(0)
    expect(synced).toEqual(['/slot-1/lost 1', `/slot-1/in-use ${boot}`, '/slot-1/'])
    losses.close()
  })

  test('counts no less than its file and its spool say, also after a power loss took the file back', () => {
    const counts = [
      { file: 3, known: 0 },
      { file: 0, known: 7 },
      { file: 9, known: 4 },
    ].map(({ file, known }) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt(file))
      fs.writeFileSync(join(slot.directory, 'lost'), bytes)
      const losses = new LossFile(slot, known)
      losses.close()
      return [losses.count, Number(fs.readFileSync(join(slot.directory, 'lost')).readBigUInt64LE())]
    })
    expect(counts).toEqual([
      [3, 3],
      [7, 7],
      [9, 9],
    ])
  })
})

describe('a spool directory', () => {
  test("is one source's, also when another one begins beside it", () => {
    expect(() => claimDirectory(parent, 'api')).not.toThrow()
    expect(() => claimDirectory(parent, 'web')).toThrow(
      /is that of the source "api".* give "web" a directory of its own/,
    )
    expect(fs.readdirSync(parent).toSorted(), 'and nothing is left over').toEqual(['slot-1', 'source'])
  })
})
