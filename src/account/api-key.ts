import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The text of an API key: `cf_`, 30 random characters (178 bits), and 6 that check what precedes them. A mistyped
 * or invented key is recognised without asking the database, and a leaked one by scanners.
 */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefix = 'cf_'
const randomLength = 30
const pattern = /^cf_[0-9A-Za-z]{36}$/

/** Where randomness comes from: `crypto.randomBytes`, or a seeded source in a simulation. */
export type RandomBytes = (size: number) => Uint8Array

/** `length` characters, each of the 62 equally likely: bytes that would favour the first ones are thrown away. */
export function randomText(length: number, random: RandomBytes): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random(length)) {
      if (byte < 4 * alphabet.length && text.length < length) text += alphabet[byte % alphabet.length] ?? ''
    }
  }
  return text
}

export function newKeyText(random: RandomBytes): string {
  const body = prefix + randomText(randomLength, random)
  return body + checksum(body)
}

/** True when the text can be a key at all: it has the form, and its last six characters fit the rest. */
export function isKeyText(text: string): boolean {
  return pattern.test(text) && checksum(text.slice(0, -6)) === text.slice(-6)
}

/** What is stored in place of the key. A key has too much randomness to be guessed, so no slow hash is needed. */
export function keyHash(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

function checksum(body: string): string {
  let rest = crc32(body)
  let digits = ''
  for (let place = 0; place < 6; place += 1) {
    digits = (alphabet[rest % 62] ?? '') + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
