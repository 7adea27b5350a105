import { peerIdFromString } from '@libp2p/peer-id'
import { MAX_ADDRESS_BYTES, MAX_ADDRESSES } from '../consensus/limits.ts'
import type { PeerAddresses } from '../peers/peers.ts'
import {
  bool,
  bytes,
  type Infer,
  message,
  optional,
  repeated,
  string,
  submessage,
  uint64
} from '../runtime/wire-message.ts'
import { parseAddress } from './addresses.ts'
import { MAX_SIGNED_NODE_INFO_BYTES } from './messages.ts'

/** Most peers remembered. */
const MAX_GOOD_PEERS = 200
/** Most bytes of the record: a store's record holds 1 MiB. */
const MAX_RECORD_BYTES: number = 900 * 1024

/** A peer that we were connected to. */
export interface GoodPeer extends PeerAddresses {
  /** Whether we dialled it: its address is proven then. */
  readonly isDialled: boolean
  /** When we were last connected, in wall-clock milliseconds. */
  readonly seenMs: number
  /** Its info as it sealed it, if there was one. */
  readonly sealed: Uint8Array | undefined
}

const entryMessage = message('GoodPeer', {
  peerId: string(1, 128),
  addresses: repeated(string(2, MAX_ADDRESS_BYTES), MAX_ADDRESSES),
  isDialled: bool(3),
  seenMs: uint64(4),
  sealed: optional(bytes(5, { most: MAX_SIGNED_NODE_INFO_BYTES }))
})
const recordMessage = message('GoodPeers', { peers: repeated(submessage(1, entryMessage), MAX_GOOD_PEERS) })

/**
 * The peers worth coming back to after a restart: those that we were connected to. When there are too many, those go that only ever dialled us, then
 * those seen longest ago.
 */
export class GoodPeers {
  readonly #peers = new Map<string, GoodPeer>()

  /** Takes note of peers connected now. */
  note(peers: Iterable<GoodPeer>): void {
    for (const peer of peers) {
      const key = peer.peerId.toString()
      const isDialled = peer.isDialled || (this.#peers.get(key)?.isDialled ?? false)
      this.#peers.set(key, { ...peer, isDialled })
    }
    if (this.#peers.size <= MAX_GOOD_PEERS) return
    for (const peer of this.list().slice(MAX_GOOD_PEERS)) this.#peers.delete(peer.peerId.toString())
  }

  /** The best first. */
  list(): GoodPeer[] {
    return [...this.#peers.values()].sort((a, b) => Number(b.isDialled) - Number(a.isDialled) || b.seenMs - a.seenMs)
  }

  /** As many as a record holds, the best first. */
  encode(): Uint8Array {
    const peers: Infer<typeof entryMessage>[] = []
    let room = MAX_RECORD_BYTES
    for (const { peerId, addresses, isDialled, seenMs, sealed } of this.list()) {
      const texts = addresses.slice(0, MAX_ADDRESSES).map(String)
      const entry = { peerId: peerId.toString(), addresses: texts, isDialled, seenMs, sealed }
      room -= entryMessage.encode(entry).byteLength
      if (room < 0) break
      peers.push(entry)
    }
    return recordMessage.encode({ peers })
  }

  /**
   * Takes the peers of a record. An entry that cannot be read is left out.
   *
   * @throws {WireError} when it is no such record
   */
  decode(record: Uint8Array): void {
    for (const { peerId: text, addresses: texts, ...rest } of recordMessage.decode(record.slice()).peers) {
      try {
        const peerId = peerIdFromString(text)
        this.note([{ peerId, addresses: texts.map((address) => parseAddress(address, peerId)), ...rest }])
      } catch {
        // written by another version, or damaged: the others are as good as before
      }
    }
  }
}
