import type { PeerId } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import { toHex } from '../runtime/hex.ts'
import { errorCode } from '../runtime/soma-error.ts'
import type { HaltEvidence } from './sync-error.ts'

/** The record under which the evidence of a halt is kept: JSON, for people and for a later proof. */
export const HALT_RECORD = 'state-sync/halt'
/** A store's record holds 1 MiB. */
const MAX_RECORD_BYTES: number = 1024 * 1024
/** Room for everything but the encoded commits and blocks. */
const HEADER_BYTES = 4_096
const MAX_MESSAGE_CHARACTERS = 512

/** Where the sync stood when it halted. */
export interface HaltCircumstances {
  readonly atMs: number
  readonly highestSynced: CommitRef
  /** Who served it: its bearer, not its author. */
  readonly peer: PeerId | undefined
}

/** What the record holds. */
export interface HaltRecord {
  readonly code: string
  readonly message: string
  readonly atMs: number
  readonly highestSynced: { readonly index: number; readonly digest: string }
  readonly peer: string | undefined
  /** Encoded commits, consecutive but for what was left out, in base64. */
  readonly commits: readonly string[]
  /** Signed blocks that certify the last of the commits, in base64. */
  readonly certifiers: readonly string[]
  /** Signed blocks of the commits among which one is refused, in base64. */
  readonly blocks: readonly string[]
  /** How many of all these were left out for lack of room. */
  readonly leftOut: number
}

/** Encodes the evidence of a halt, with as much of it as fits into a record: first of all the first and the last commit, and what certifies it. */
export function encodeHaltRecord(
  error: Error,
  evidence: HaltEvidence | undefined,
  { atMs, highestSynced, peer }: HaltCircumstances
): Uint8Array {
  const { commits, certifiers, blocks = [] } = evidence ?? { commits: [], certifiers: [] }
  const byImportance = [...commits.slice(0, 1), ...commits.slice(-1), ...certifiers, ...blocks, ...commits]
  const fitting = new Map<Uint8Array, string>()
  let room = MAX_RECORD_BYTES - HEADER_BYTES
  for (const { bytes } of byImportance) {
    const size = Math.ceil(bytes.byteLength / 3) * 4 + '"",'.length
    if (fitting.has(bytes) || size > room) continue
    fitting.set(bytes, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'))
    room -= size
  }
  const encoded = (items: readonly { readonly bytes: Uint8Array }[]) =>
    items.flatMap(({ bytes }) => fitting.get(bytes) ?? [])
  const record: HaltRecord = {
    code: errorCode(error),
    message: error.message.slice(0, MAX_MESSAGE_CHARACTERS),
    atMs,
    highestSynced: { index: highestSynced.index, digest: toHex(highestSynced.digest) },
    peer: peer?.toString(),
    commits: encoded(commits),
    certifiers: encoded(certifiers),
    blocks: encoded(blocks),
    leftOut: new Set(byImportance.map(({ bytes }) => bytes)).size - fitting.size
  }
  return new TextEncoder().encode(JSON.stringify(record))
}
