import type { PeerId } from '@libp2p/interface'
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
/** Most of them that we were connected to in one subnet. */
const MAX_OF_SUBNET = 10
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

/** A good peer, and what is known only while it is connected. */
export interface RememberedPeer extends GoodPeer {
  /** The subnet in which we were connected to it, whatever it says of its addresses; `undefined` where none is counted. */
  readonly subnet: string | undefined
}

export interface GoodPeersInit {
  /** The subnet in which we are connected to a peer. @default none is counted */
  readonly subnetOf?: (peerId: PeerId) => string | undefined
}

const entryMessage = message('GoodPeer', {
  peerId: string(1, 128),
  addresses: repeated(string(2, MAX_ADDRESS_BYTES), MAX_ADDRESSES),
  isDialled: bool(3),
  seenMs: uint64(4),
  sealed: optional(bytes(5, { most: MAX_SIGNED_NODE_INFO_BYTES })),
  subnet: optional(string(6, MAX_ADDRESS_BYTES))
})
const recordMessage = message('GoodPeers', { peers: repeated(submessage(1, entryMessage), MAX_GOOD_PEERS) })

/**
 * The peers worth coming back to after a restart: those that we were connected to. When there are too many, of all or of a subnet, those go that only ever
 * dialled us, then those seen longest ago.
 */
export class GoodPeers {
  readonly #peers = new Map<string, RememberedPeer>()
  readonly #subnetOf: (peerId: PeerId) => string | undefined

  constructor({ subnetOf = () => undefined }: GoodPeersInit = {}) {
    this.#subnetOf = subnetOf
  }

  get size(): number {
    return this.#peers.size
  }

  /** Takes note of peers connected now. */
  note(peers: Iterable<GoodPeer>): void {
    for (const peer of peers) this.#set({ ...peer, subnet: this.#subnetOf(peer.peerId) })
    this.#forgetSurplus()
  }

  /** The best first. */
  list(): RememberedPeer[] {
    return [...this.#peers.values()].sort((a, b) => Number(b.isDialled) - Number(a.isDialled) || b.seenMs - a.seenMs)
  }

  /** As many as a record holds, the best first. */
  encode(): Uint8Array {
    const peers: Infer<typeof entryMessage>[] = []
    let room = MAX_RECORD_BYTES
    for (const { peerId, addresses, isDialled, seenMs, sealed, subnet } of this.list()) {
      const texts = addresses.slice(0, MAX_ADDRESSES).map(String)
      const entry = { peerId: peerId.toString(), addresses: texts, isDialled, seenMs, sealed, subnet }
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
        const addresses = texts.map((address) => parseAddress(address, peerId))
        this.#set({ peerId, addresses, ...rest })
      } catch {
        // written by another version, or damaged: the others are as good as before
      }
    }
    this.#forgetSurplus()
  }

  #set(peer: RememberedPeer): void {
    const key = peer.peerId.toString()
    const before = this.#peers.get(key)
    const isDialled = peer.isDialled || before?.isDialled === true
    this.#peers.set(key, { ...peer, isDialled, subnet: peer.subnet ?? before?.subnet })
  }

  #forgetSurplus(): void {
    const ofSubnet = new Map<string, number>()
    let kept = 0
    for (const { peerId, subnet } of this.list()) {
      const count = subnet === undefined ? 0 : (ofSubnet.get(subnet) ?? 0)
      if (kept === MAX_GOOD_PEERS || count === MAX_OF_SUBNET) {
        this.#peers.delete(peerId.toString())
        continue
      }
      kept += 1
      if (subnet !== undefined) ofSubnet.set(subnet, count + 1)
    }
  }
}
