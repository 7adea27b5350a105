import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import type { Multiaddr } from '@multiformats/multiaddr'
import { blake2b256, type Digest } from '../consensus/digest.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { isPublic, parseAddress } from './addresses.ts'
import { DiscoveryError, type DiscoveryErrorCode } from './discovery-error.ts'
import {
  ACCESS_TYPE,
  type AccessType,
  type Capability,
  MAX_SIGNED_NODE_INFO_BYTES,
  type NodeInfoContent,
  nodeInfoMessage
} from './messages.ts'

/** Furthest that an info may lie in the future, in milliseconds: what clocks may differ by. */
export const MAX_FUTURE_MS = 30_000
/** Oldest that an info may be, in milliseconds. */
export const MAX_AGE_MS: number = 24 * 60 * 60_000

/** A node info, opened and checked. */
export interface NodeInfo {
  readonly peerId: PeerId
  /** Those of its addresses that we may dial, without the peer id. */
  readonly addresses: readonly Multiaddr[]
  readonly timestampMs: number
  readonly accessType: AccessType
  readonly capabilities: readonly Capability[]
  /** The envelope as its subject sealed it: what is relayed. */
  readonly sealed: Uint8Array
  /** Stands for what matters of the info: see `knownDigest`. */
  readonly digest: Digest
}

/** What an info is checked against. */
export interface OpenRules {
  readonly chainId: Digest
  readonly self: PeerId
  /** Wall-clock time in milliseconds. */
  readonly now: number
  /** Whether addresses of private ranges may be dialled. */
  readonly privateNetwork: boolean
  /** The timestamp of the info that is known of a peer, by its peer id as text. */
  readonly newest: (peerId: string) => number | undefined
  /** The peer whose own info it is, from whom it came; `undefined` for a relayed one. */
  readonly from: PeerId | undefined
}

const PAYLOAD_TYPE = new TextEncoder().encode('/soma-p2p/node-info/1')
const INFO_DOMAIN = new TextEncoder().encode('soma-p2p/1/digest/node-info:')
const HOUR_MS = 60 * 60_000

/** The domain that infos of a chain are sealed under: `soma-p2p/1/node-info/<chain id in hex>`. */
function domainOf(chainId: Digest): string {
  return `soma-p2p/1/node-info/${toHex(chainId)}`
}

/** Seals an info of one's own, in the ecosystem's signed envelope. */
export async function sealNodeInfo(
  content: Omit<NodeInfoContent, 'peerId'>,
  privateKey: PrivateKey,
  chainId: Digest
): Promise<Uint8Array> {
  const peerId = peerIdFromPublicKey(privateKey.publicKey).toMultihash().bytes
  const payload = nodeInfoMessage.encode({ ...content, peerId })
  const record = { domain: domainOf(chainId), codec: PAYLOAD_TYPE, marshal: () => payload, equals: () => false }
  return (await RecordEnvelope.seal(record, privateKey)).marshal()
}

/**
 * Opens a sealed info and checks it: cheap rules first, the signature last.
 *
 * The envelope must be in its canonical encoding, or whoever relays it could add to it. What is returned shares no memory with `received`.
 *
 * @throws {DiscoveryError} `INFO_...`
 */
export async function openNodeInfo(received: Uint8Array, rules: OpenRules): Promise<NodeInfo> {
  if (received.byteLength > MAX_SIGNED_NODE_INFO_BYTES) throw refusal('INFO_TOO_LONG', `${received.byteLength} bytes`)
  const sealed = received.slice()
  const { envelope, content } = parse(sealed)
  const accessType = accessTypeOf(content.accessType)
  const { publicKey } = envelope
  // before a peer id is made of it, which there is none of for some keys that an envelope holds
  if (publicKey.type !== 'Ed25519') throw refusal('INFO_UNSUPPORTED_KEY', `a key of type ${publicKey.type}`)
  const peerId = peerIdFromPublicKey(publicKey)
  if (!bytesEqual(content.peerId, peerId.toMultihash().bytes)) {
    throw refusal('INFO_WRONG_SIGNER', `sealed by ${peerId}, about another`)
  }
  checkSubject(peerId, accessType, rules)
  checkTime(peerId, content.timestampMs, rules)
  const addresses = content.addresses.map((text) => parseAddress(text, peerId))
  const dialable = rules.privateNetwork ? addresses : addresses.filter(isPublic)
  if (dialable.length === 0) throw refusal('INFO_NO_ADDRESS', `${addresses.length} addresses, none to be dialled`)
  if (!(await isSealIntact(envelope, rules.chainId))) throw refusal('INFO_BAD_SIGNATURE', `not sealed by ${peerId}`)
  const { timestampMs, capabilities } = content
  const digest = contentDigest(content)
  return { peerId, addresses: dialable, timestampMs, accessType, capabilities, sealed, digest }
}

/**
 * BLAKE2b-256 over `soma-p2p/1/digest/node-info:` and the encoded NodeInfo with its timestamp rounded down to the full hour and without
 * its capabilities: it stays the same while an info is merely renewed.
 */
export function contentDigest(content: NodeInfoContent): Digest {
  const timestampMs = Math.floor(content.timestampMs / HOUR_MS) * HOUR_MS
  return blake2b256(INFO_DOMAIN, nodeInfoMessage.encode({ ...content, timestampMs, capabilities: [] }))
}

function parse(sealed: Uint8Array): { envelope: RecordEnvelope; content: NodeInfoContent } {
  try {
    const envelope = RecordEnvelope.createFromProtobuf(sealed)
    if (!bytesEqual(envelope.payloadType, PAYLOAD_TYPE)) throw new Error('another type of payload')
    if (!bytesEqual(envelope.marshal(), sealed)) throw new Error('not in its canonical encoding')
    return { envelope, content: nodeInfoMessage.decode(envelope.payload) }
  } catch (cause) {
    throw refusal('INFO_UNPARSABLE', cause instanceof Error ? cause.message : 'unreadable', { cause })
  }
}

function accessTypeOf(number: number): AccessType {
  for (const [name, value] of Object.entries(ACCESS_TYPE)) if (value === number) return name as AccessType
  throw refusal('INFO_UNPARSABLE', `no access type ${number}`)
}

function checkSubject(peerId: PeerId, accessType: AccessType, rules: OpenRules): void {
  if (rules.from === undefined) {
    if (peerId.equals(rules.self)) throw refusal('INFO_OWN', 'about ourselves')
    if (accessType === 'private') throw refusal('INFO_PRIVATE', `${peerId} does not want to be known`)
  } else if (!peerId.equals(rules.from)) {
    throw refusal('INFO_WRONG_SUBJECT', `of ${peerId}, handed over by ${rules.from} as its own`)
  }
}

function checkTime(peerId: PeerId, timestampMs: number, { now, newest }: OpenRules): void {
  if (timestampMs > now + MAX_FUTURE_MS) throw refusal('INFO_FROM_FUTURE', `${timestampMs - now} ms ahead`)
  if (timestampMs < now - MAX_AGE_MS) throw refusal('INFO_TOO_OLD', `${now - timestampMs} ms old`)
  const known = newest(peerId.toString())
  if (known !== undefined && timestampMs <= known) throw refusal('INFO_STALE', 'not newer than what is known')
}

async function isSealIntact(envelope: RecordEnvelope, chainId: Digest): Promise<boolean> {
  try {
    return await envelope.validate(domainOf(chainId))
  } catch {
    return false // a key or signature that the library cannot even use
  }
}

function refusal(code: DiscoveryErrorCode, why: string, options?: ErrorOptions): DiscoveryError {
  return new DiscoveryError(code, `node info: ${why}`, options)
}
