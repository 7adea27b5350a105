import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Ban } from './ban-table.ts'
import type { Consequence } from './consequence.ts'
import type { FailedDial } from './failed-dials.ts'
import type { InboundRefusal } from './peer-gate.ts'
import type { ClosedReason } from './peer-tallies.ts'
import type { MeasuredAnswer, PeerSpeed } from './speed-meter.ts'

/** A peer, and where it may be reached. */
export interface PeerAddresses {
  readonly peerId: PeerId
  /** In the order in which they are tried, with or without the peer id at the end. */
  readonly addresses: readonly Multiaddr[]
}

/** What became of a dial. */
export type DialOutcome =
  | 'connected'
  | 'failed' // no address answered in time, or what answered was another peer: the peer is in dial backoff now
  | 'aborted' // by the caller's signal, or the service stopped
  // not dialled
  | 'self'
  | 'banned'
  | 'backoff' // it failed a short while ago
  | 'already-connected'
  | 'already-dialling'
  | 'no-addresses'
  | 'no-room' // the subnet of every address is full, or the peer was the one to evict as soon as it was connected

/** What whoever reports a fault knows of it beside the error. */
export interface ReportContext {
  /** The consequence, for errors of the rooms above, which judge their own codes. @default by the error's code */
  readonly consequence?: Consequence
  /** What was going on, for the log: the name of a protocol, say. */
  readonly during?: string
}

/** A report, and what came of it. */
export interface PeerReport {
  readonly peerId: PeerId
  /** The error's stable code. */
  readonly code: string
  /** The error in words: why it was disconnected, where it was. */
  readonly reason: string
  readonly consequence: Consequence
  /** A ban that was not carried out because the peer is one that the operator chose: for an alarm. */
  readonly spared: boolean
  readonly during: string | undefined
}

/** How a peer stands, for people and metrics. */
export interface PeerStanding {
  readonly banned: boolean
  /** Penalty points, faded to now. */
  readonly penalty: number
  /** Milliseconds until it may be asked again; 0 when it may. */
  readonly backoffMs: number
  /** How fast it answers; `undefined` when it has not lately. */
  readonly speed: PeerSpeed | undefined
}

/** How many peers there are, and what happened to peers since the process began. */
export interface PeerCounts {
  /** Connected peers, by who dialled. */
  readonly connected: { readonly inbound: number; readonly outbound: number }
  /** Connected peers that are never evicted. */
  readonly protected: number
  /** Peers being dialled, or waiting for their turn. */
  readonly dialling: number
  /** Bans that have not ended. */
  readonly bans: number
  /** Dials asked for, by what became of them. */
  readonly dials: Readonly<Record<DialOutcome, number>>
  /** Connections in order that we closed, by the reason. */
  readonly closed: Readonly<Record<ClosedReason, number>>
  /** Peers that dialled us and were refused, by the reason. */
  readonly refused: Readonly<Record<InboundRefusal, number>>
  /** Errors reported, by what followed. */
  readonly reports: Readonly<Record<Consequence, number>>
}

/** Who may protect peers: the operator, or the chain. */
export type Protector = 'configured' | 'committee'

/** A connected peer, by the one connection to it that is kept. */
export interface ConnectedPeer {
  readonly peerId: PeerId
  readonly direction: 'inbound' | 'outbound'
  readonly address: Multiaddr
  /** Milliseconds that it has been connected. */
  readonly connectedMs: number
  /** What it delivered lately. */
  readonly bytesPerMinute: number
  /** Whether it is never evicted. */
  readonly isProtected: boolean
}

/** What is known of the conduct of peers, and the way to reach them. The libp2p service made by `peers()`. */
export interface Peers {
  /**
   * Reports an error that came from a peer, and carries out the consequence. Errors that are not a peer's fault, aborts among them, have none. The same
   * error object counts once, however often it is reported.
   *
   * @returns what was done
   */
  report(peerId: PeerId, error: unknown, context?: ReportContext): Consequence

  /** Reports bytes of useful data. It ends the peer's backoff. */
  delivered(peerId: PeerId, bytes: number): void

  /** Reports how fast an answer came. */
  measured(peerId: PeerId, answer: MeasuredAnswer): void

  /** How fast a peer answers; `undefined` for one that has not within five minutes. */
  speed(peerId: PeerId): PeerSpeed | undefined

  /** Whether a peer may be asked for something: neither banned nor in backoff. */
  isAvailable(peerId: PeerId): boolean

  /** When a peer's backoff ends, in the clock's monotonic milliseconds; 0 when it has none. */
  backoffUntil(peerId: PeerId): number

  isBanned(peerId: PeerId): boolean

  /** Every ban that has not ended, of chosen peers too, for whom none holds. */
  bans(): Ban[]

  /** Refuses a peer for so many milliseconds, and disconnects it at once. A ban that ends later stays. Resolves when the ban is stored, or could not be. */
  ban(peerId: PeerId, ban: { readonly durationMs: number; readonly reason: string }): Promise<void>

  /** Lifts a ban and forgets what led to it; false when there is none. Resolves when that is stored, or could not be. */
  unban(peerId: PeerId): Promise<boolean>

  /** Whether a peer always gets in: the operator configured it, or it is in the allowlist. No ban holds for it. */
  isChosen(peerId: PeerId): boolean

  /** Whether a peer is never evicted: the operator or the chain chose it. */
  isProtected(peerId: PeerId): boolean

  standing(peerId: PeerId): PeerStanding

  /** Whether `dial` would dial a peer now: not oneself, banned, connected, being dialled, or in dial backoff. */
  canDial(peerId: PeerId): boolean

  /** Dials a peer: when it is its turn, within the deadline. It never rejects. */
  dial(peer: PeerAddresses, options?: AbortOptions): Promise<DialOutcome>

  /** Peers being dialled, or waiting for their turn. */
  readonly dialling: number

  /** The last dials that failed, one a peer, newest last, at most 16; none of peers that were reached since. */
  failedDials(): readonly FailedDial[]

  /** Every connected peer. */
  connected(): ConnectedPeer[]

  /** Closes the connections by which we dialled a peer that is not needed, unless it is protected: it is no fault of the peer. One that the peer dialled stays. */
  part(peerId: PeerId): void

  /**
   * Sets whom somebody protects, in place of those before: they are never evicted and count for no subnet. Those protected as `configured` are moreover
   * treated like the allowlist: they may connect where only chosen peers may, and no ban holds for them.
   */
  protect(protector: Protector, peerIds: Iterable<PeerId>): void

  /** The subnet of an address by the configured grouping; `undefined` where none is counted. */
  subnetOf(address: Multiaddr): string | undefined

  /** Whether one more peer without protection may be connected at an address: its subnet is not full. */
  hasRoomAt(address: Multiaddr): boolean

  /** For people and metrics. */
  counts(): PeerCounts
}
