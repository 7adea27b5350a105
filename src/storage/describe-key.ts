import { toHex } from '../runtime/hex.ts'
import { cursorName, decodeRefs, readNumber } from './keys.ts'

/** What the entries of a store are, by the first byte of their keys. */
const SPACES: Readonly<Record<number, string>> = {
  0: 'format',
  1: 'highest synced commit',
  2: 'lowest available commit',
  3: 'beginning',
  16: 'commits',
  17: 'index of digests',
  18: 'blocks',
  19: 'certifier lists',
  20: 'certifier blocks',
  32: 'committees',
  33: 'ends of epochs',
  48: 'cursors',
  49: 'records'
}

/** What kind of entry a key is of; `undefined` for one that no store has. */
export function spaceOf(key: Uint8Array): string | undefined {
  return SPACES[key[0] ?? -1]
}

/** What is stored under a key, for people. */
export function describeKey(key: Uint8Array): string {
  const space = key[0]
  if (space === 0x10 && key.byteLength === 9) return `commit ${readNumber(key, 1)}`
  if (space === 0x11) return `the index of the commit with digest ${toHex(key.subarray(1))}`
  if (space === 0x12 || space === 0x14) {
    const [ref] = decodeRefs(key.subarray(1, 49)) ?? []
    const what = space === 0x12 ? 'block' : 'certifier block'
    if (ref !== undefined) return `${what} ${ref.epoch}/${ref.round}/${ref.author} ${toHex(ref.digest)}`
  }
  if (space === 0x13 && key.byteLength === 9) return `the certifiers of commit ${readNumber(key, 1)}`
  if (space === 0x20 && key.byteLength === 9) return `the committee of epoch ${readNumber(key, 1)}`
  if (space === 0x21 && key.byteLength === 9) return `the last commit of epoch ${readNumber(key, 1)}`
  if (space === 0x30) return `cursor ${cursorName(key)}`
  if (space === 0x31) return `record ${cursorName(key)}`
  return spaceOf(key) ?? `an entry under ${toHex(key.subarray(0, 32))}, which no store has`
}
