import type { Committee } from '../../consensus/committee.ts'
import type { DiscoveryEvent } from '../../discovery/index.ts'
import type { PeerReport } from '../../peers/index.ts'
import { errorCode } from '../../runtime/soma-error.ts'
import type { NewEvent } from '../node-events.ts'
import { formatSpan } from './format-span.ts'

/** What a node is at its start. */
export interface StartedNode {
  readonly peerId: string
  /** In hexadecimal. */
  readonly chainId: string
  readonly addresses: readonly string[]
  readonly isValidator: boolean
  readonly version: string
  /** The highest commit stored. */
  readonly commit: number
  readonly epoch: number
}

/** A node has started. */
export function startedEvent(node: StartedNode): NewEvent {
  const { peerId, chainId, addresses, isValidator, version, commit, epoch } = node
  const who = `${isValidator ? 'validator' : 'full node'} ${peerId} of chain ${chainId}`
  const where = addresses.length === 0 ? 'on no address' : `on ${addresses.join(', ')}`
  return {
    level: 'info',
    kind: 'started',
    text: `started: ${who}, at commit ${commit}, epoch ${epoch}; soma-p2p ${version}, Node ${process.versions.node}; ${where}`,
    data: { ...node, addresses: addresses.join(' '), node: process.versions.node }
  }
}

/** The chain goes on in another epoch. */
export function epochEvent({ epoch, validators }: Committee, isMember: boolean): NewEvent {
  const size = validators.length
  const who = `${size} validator${size === 1 ? '' : 's'}, ${isMember ? 'this node among them' : 'this node not among them'}`
  return { level: 'info', kind: 'epoch', text: `epoch ${epoch} begins: ${who}`, data: { epoch, size, isMember } }
}

/** A loop of the node's own has ended by an error. */
export function failedEvent(error: Error, what = 'the node goes down by an error of its own'): NewEvent {
  const code = errorCode(error)
  return { level: 'error', kind: 'failed', text: `${what}: ${error.message} [${code}]`, data: { code } }
}

/** What came of a fault of a peer, where it is worth a line: a ban, or one that the operator's choice has spared it. */
export function reportEvent({ peerId, code, reason, consequence, spared, during }: PeerReport): NewEvent | undefined {
  const where = during === undefined ? '' : ` during ${during}`
  const about = { peerId: peerId.toString(), data: { code, ...(during !== undefined && { during }) } }
  if (spared) {
    const text = `${peerId}, which the operator chose, would be banned for ${code}${where}: ${reason}`
    return { level: 'warn', kind: 'spared', text, ...about }
  }
  if (consequence !== 'ban') return undefined
  return { level: 'warn', kind: 'banned', text: `${peerId} is banned for ${code}${where}: ${reason}`, ...about }
}

/** The operator has banned a peer. */
export function bannedEvent(peerId: string, { durationMs, reason }: { durationMs: number; reason: string }): NewEvent {
  const text = `${peerId} is banned for ${formatSpan(durationMs)}: ${reason}`
  return { level: 'info', kind: 'banned', text, peerId, data: { durationMs } }
}

/** The operator has lifted a ban. */
export function liftedEvent(peerId: string): NewEvent {
  return { level: 'info', kind: 'ban-lifted', text: `the ban of ${peerId} is lifted by the operator`, peerId }
}

/** What a peer told of others was refused; `undefined` for what discovery does day by day. */
export function discoveryEvent(event: DiscoveryEvent): NewEvent | undefined {
  if (event.type !== 'refused') return undefined
  const text = `what ${event.from} told of other nodes was refused: ${event.code}`
  return { level: 'warn', kind: 'refused', text, peerId: event.from.toString(), data: { code: event.code } }
}
