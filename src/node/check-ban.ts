import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { toError } from '../runtime/soma-error.ts'
import { NodeError } from './node-error.ts'
import type { BanOptions } from './soma-node.ts'

/** As long as the record of bans keeps. */
const MAX_REASON_BYTES = 128
/** A year: who should be kept out for longer is banned again. */
const MAX_DURATION_MS: number = 365 * 24 * 60 * 60_000

/** Peers for which no ban can hold. */
export interface Unbannable {
  isOwn(peer: PeerId): boolean
  isChosen(peer: PeerId): boolean
}

/**
 * Reads a ban that the operator wants.
 *
 * @throws {NodeError} `BAN_INVALID`, saying what it should be
 */
export function checkBan(
  peerId: string,
  { reason = 'by the operator', durationMs = 60 * 60_000 }: BanOptions,
  { isOwn, isChosen }: Unbannable
): { readonly peer: PeerId; readonly reason: string; readonly durationMs: number } {
  const peer = checkPeerId(peerId)
  if (isOwn(peer)) throw new NodeError('BAN_INVALID', 'a node does not ban itself')
  if (isChosen(peer))
    throw new NodeError('BAN_INVALID', `${peerId} is configured or in the allowlist: take it off first`)
  const bytes = Buffer.byteLength(reason)
  if (bytes < 1 || bytes > MAX_REASON_BYTES) {
    throw new NodeError('BAN_INVALID', `a reason of 1 to ${MAX_REASON_BYTES} bytes, not ${bytes}`)
  }
  if (!(durationMs >= 1 && durationMs <= MAX_DURATION_MS)) {
    throw new NodeError('BAN_INVALID', `a duration of 1 to ${MAX_DURATION_MS} ms, not ${durationMs}`)
  }
  return { peer, reason, durationMs }
}

/** @throws {NodeError} `BAN_INVALID` */
export function checkPeerId(peerId: string): PeerId {
  try {
    return peerIdFromString(peerId)
  } catch (cause) {
    throw new NodeError('BAN_INVALID', `a peer id such as 12D3KooW...: ${toError(cause).message}`, { cause })
  }
}
