import type { Digest } from '../consensus/digest.ts'
import { toHex } from '../runtime/hex.ts'

/** The libp2p protocol id of an RPC. It carries the chain, so that nodes of another chain fail at negotiation. */
export function protocolId(chainId: Digest, name: string): string {
  return `/soma-p2p/${toHex(chainId)}/${name}/1`
}
