import { hash } from 'node:crypto'

/** Keys of the embedded log. Numbers are big-endian, so that the order of bytes is the order of numbers. */

export function numberKey(value: number): Buffer {
  const key = Buffer.allocUnsafe(8)
  key.writeBigUInt64BE(BigInt(value))
  return key
}

export function numberOf(key: Buffer, at = 0): number {
  return Number(key.readBigUInt64BE(at))
}

/** One numbering of a source: the source's name stays readable and sorted, the epoch is of any length. */
export function sourceKey(source: string, epoch: string): Buffer {
  return Buffer.concat([sourcePrefix(source), hash('sha256', epoch, 'buffer').subarray(0, 16)])
}

export function sourcePrefix(source: string): Buffer {
  return Buffer.from(`${source}\0`, 'utf8')
}

/** Identity of an event by its id, within a source's numbering. */
export function idKey(sourceNumber: number, id: string): Buffer {
  const key = Buffer.allocUnsafe(5 + Buffer.byteLength(id))
  key.writeUInt32BE(sourceNumber)
  key[4] = 1
  key.write(id, 5, 'utf8')
  return key
}

/** Identities of one block of numbers of a source's numbering. */
export function blockKey(sourceNumber: number, block: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key.writeUInt32BE(sourceNumber)
  key[4] = 2
  key.writeBigUInt64BE(BigInt(block), 5)
  return key
}

/** Start of an interval of sequence numbers in one of a source's sets. */
export function intervalKey(sourceNumber: number, set: 'accepted' | 'held', start: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key.writeUInt32BE(sourceNumber)
  key[4] = set === 'accepted' ? 0 : 1
  key.writeBigUInt64BE(BigInt(start), 5)
  return key
}
