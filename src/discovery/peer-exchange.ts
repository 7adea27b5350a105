import type { PeerId } from '@libp2p/interface'
import { blake2b256, type Digest } from '../consensus/digest.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { type Random, shuffled } from '../runtime/random.ts'
import type { KnownPeers } from './known-peers.ts'
import { decodePrefixes, encodePrefixes, prefixOf } from './known-prefixes.ts'
import { type GetKnownPeersRequest, type GetKnownPeersResponse, MAX_NODE_INFOS, MAX_PREFIXES } from './messages.ts'
import { MAX_AGE_MS, type NodeInfo } from './node-info.ts'
import { MAX_ANSWER_BYTES } from './protocols.ts'

const KNOWN_DOMAIN = new TextEncoder().encode('soma-p2p/1/digest/known-peers:')
/** Tag and length before each info of an answer. */
const FIELD_OVERHEAD_BYTES = 4

/**
 * What a node knows, in 32 bytes: BLAKE2b-256 over `soma-p2p/1/digest/known-peers:` and, in ascending order, the digests of all public infos not
 * over 24 h old that it knows, its own included if that is public. The digest of an info is {@link contentDigest}.
 *
 * Two nodes that know the same peers at the same addresses, by infos of the same hour, have the same digest though each is in the table of
 * the other only. A server that finds the asker's digest equal to its own answers with its own info alone.
 */
export function knownDigest(infos: Iterable<NodeInfo>, own: NodeInfo | undefined, now: number): Digest {
  const digests: Digest[] = []
  for (const info of own === undefined ? infos : [...infos, own]) {
    if (info.accessType === 'public' && !isTooOld(info, now)) digests.push(info.digest)
  }
  return blake2b256(KNOWN_DOMAIN, ...digests.sort(Buffer.compare))
}

/** What a request is made from. */
export interface RequestContext {
  readonly server: PeerId
  readonly own: NodeInfo | undefined
  readonly known: KnownPeers
  /** Wall-clock time in milliseconds. */
  readonly now: number
  readonly random: Random
}

/**
 * The request for what a server knows: one's own info, and which infos the server need not send. Those are the ones that the server might relay to us; of infos that it has no
 * business with it learns nothing. Where there are more of them than a request holds, the digest of all saves the answer when both know the same.
 */
export function requestKnownPeers({ server, own, known, now, random }: RequestContext): GetKnownPeersRequest {
  const isFriend = known.isFrom('configured', server)
  const infos = known.infos()
  const digests = infos.filter((info) => mayRelay(info, isFriend) && !isTooOld(info, now)).map(({ digest }) => digest)
  return {
    ownInfo: sharedOwnInfo(own, isFriend),
    knownDigest: digests.length > MAX_PREFIXES ? knownDigest(infos, own, now) : undefined,
    knownPrefixes: encodePrefixes(digests, MAX_PREFIXES, random)
  }
}

/** What an answer is made from. */
export interface AnswerContext {
  readonly asker: PeerId
  readonly own: NodeInfo | undefined
  readonly known: KnownPeers
  /** Wall-clock time in milliseconds. */
  readonly now: number
  readonly random: Random
  readonly isConnected: (peerId: PeerId) => boolean
  readonly isBanned: (peerId: PeerId) => boolean
}

/**
 * The answer to GetKnownPeers: one's own info and up to 200 of others, those of connected peers first, then of others that one has met, at random, as many as
 * fit into a frame. The asker's own, those that it knows, and those of banned peers are left out.
 *
 * @throws {RpcError} `RPC_INVALID_REQUEST`
 */
export function answerKnownPeers(
  request: Pick<GetKnownPeersRequest, 'knownDigest' | 'knownPrefixes'>,
  context: AnswerContext
): GetKnownPeersResponse {
  const { asker, own, known, now, random, isConnected, isBanned } = context
  const askersPrefixes = decodePrefixes(request.knownPrefixes)
  const isFriend = known.isFrom('configured', asker)
  const ownInfo = sharedOwnInfo(own, isFriend)
  const infos = known.infos()
  if (request.knownDigest !== undefined && bytesEqual(request.knownDigest, knownDigest(infos, own, now))) {
    return { ownInfo, knownInfos: [] }
  }
  const shared = infos.filter(
    (info) =>
      mayRelay(info, isFriend) &&
      !isTooOld(info, now) &&
      !info.peerId.equals(asker) &&
      !isBanned(info.peerId) &&
      !askersPrefixes.has(prefixOf(info.digest))
  )
  const connected = shared.filter((info) => isConnected(info.peerId))
  const met = shared.filter(({ peerId }) => !isConnected(peerId) && known.isMet(peerId))
  const others = shared.filter(({ peerId }) => !isConnected(peerId) && !known.isMet(peerId))
  const knownInfos: Uint8Array[] = []
  let room = MAX_ANSWER_BYTES - (ownInfo?.byteLength ?? 0) - FIELD_OVERHEAD_BYTES
  for (const { sealed } of [connected, met, others].flatMap((infos) => shuffled(random, infos))) {
    room -= sealed.byteLength + FIELD_OVERHEAD_BYTES
    if (room < 0 || knownInfos.length === MAX_NODE_INFOS) break
    knownInfos.push(sealed)
  }
  return { ownInfo, knownInfos }
}

/**
 * Whether an asker knows of infos that we do not, as far as its request says: one that names none at all may know anything.
 *
 * @throws {RpcError} `RPC_INVALID_REQUEST`
 */
export function knowsMore(
  { knownPrefixes }: Pick<GetKnownPeersRequest, 'knownPrefixes'>,
  known: KnownPeers,
  own: NodeInfo | undefined
): boolean {
  if (knownPrefixes === undefined) return true
  const infos = own === undefined ? known.infos() : [...known.infos(), own]
  const ours = new Set(infos.map(({ digest }) => prefixOf(digest)))
  return decodePrefixes(knownPrefixes)
    .values()
    .some((prefix) => !ours.has(prefix))
}

/** One's own sealed info, for those who may see it: everyone if it is public, else only peers that the operator configured. */
function sharedOwnInfo(own: NodeInfo | undefined, isFriend: boolean): Uint8Array | undefined {
  return own !== undefined && (own.accessType === 'public' || isFriend) ? own.sealed : undefined
}

function mayRelay(info: NodeInfo, isFriend: boolean): boolean {
  switch (info.accessType) {
    case 'public':
      return true
    case 'trusted':
      return isFriend
    case 'private':
      return false
  }
}

function isTooOld(info: NodeInfo, now: number): boolean {
  return info.timestampMs < now - MAX_AGE_MS
}
