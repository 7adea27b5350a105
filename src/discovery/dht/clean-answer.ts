import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { decode } from 'multiformats/hashes/digest'
import type { PeerAddresses } from '../../peers/peers.ts'
import { type KadPeer, kadMessage } from './kad-message.ts'

/** Most peers taken from an answer, of either kind: as many as a node keeps in a bucket. */
const MAX_PEERS = 20

export interface CleanAnswerInit {
  /** What the rules leave of a peer's addresses. */
  readonly dialable: (peerId: PeerId, addresses: Iterable<Multiaddr>) => Multiaddr[]
  /** Whether a peer is of no use at all: ourselves, or banned. */
  readonly isUnwanted: (peerId: PeerId) => boolean
}

export interface CleanAnswer {
  /** What kad-dht is to read. It names no providers: kad-dht would end a lookup with the first 20, all of one liar. */
  readonly frame: Uint8Array
  readonly closer: readonly PeerAddresses[]
  readonly providers: readonly PeerAddresses[]
}

/**
 * What is left of an answer: peers that may be dialled, with addresses that may be dialled, a bounded number of them. Those that do not parse are left
 * out, for there are keys and addresses that we do not know.
 *
 * @throws {WireError} for what is no message, or one beyond its limits
 */
export function cleanAnswer(frame: Uint8Array, init: CleanAnswerInit): CleanAnswer {
  const { type, key, ...answer } = kadMessage.decode(frame)
  const closer = cleanPeers(answer.closer, init)
  const providers = cleanPeers(answer.providers, init)
  return { frame: kadMessage.encode({ type, key, closer: closer.map(toWire), providers: [] }), closer, providers }
}

function cleanPeers(peers: readonly KadPeer[], { dialable, isUnwanted }: CleanAnswerInit): PeerAddresses[] {
  const cleaned = new Map<string, PeerAddresses>()
  for (const { id, addresses } of peers) {
    const peerId = parsed(() => peerIdFromMultihash(decode(id)))
    if (peerId === undefined || cleaned.has(peerId.toString()) || isUnwanted(peerId)) continue
    const left = dialable(peerId, parsedAddresses(addresses))
    if (left.length > 0) cleaned.set(peerId.toString(), { peerId, addresses: left })
    if (cleaned.size === MAX_PEERS) break
  }
  return [...cleaned.values()]
}

function* parsedAddresses(addresses: readonly Uint8Array[]): Generator<Multiaddr> {
  for (const bytes of addresses) {
    const address = parsed(() => multiaddr(bytes))
    if (address !== undefined) yield address
  }
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined // the parsers throw errors of many kinds for bytes that they do not know
  }
}

function toWire({ peerId, addresses }: PeerAddresses): KadPeer {
  return { id: peerId.toMultihash().bytes, addresses: addresses.map(({ bytes }) => bytes) }
}
