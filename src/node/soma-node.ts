import type { AbortOptions, ComponentLogger, PeerId, PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pInit } from 'libp2p'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { SubscribeOptions } from '../delivery/delivery.ts'
import type { AccessType, AddressSource, DhtOptions, DiscoveryStatus } from '../discovery/index.ts'
import type { PeerReport } from '../peers/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Health } from '../runtime/health.ts'
import type { Random } from '../runtime/random.ts'
import type {
  CheckpointStart,
  HandOverMode,
  LocalStateHash,
  RangeStatus,
  StageStatus,
  SyncWait
} from '../state-sync/index.ts'
import type { ConsensusCommit } from '../state-sync/local-consensus.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { VerificationMode } from '../verify/block-verifier.ts'
import type { TransactionVerifier } from '../verify/transaction-verifier.ts'
import type { NewEvent, NodeEvent } from './node-events.ts'
import type { NodeInstruments } from './node-instruments.ts'

export type { ConsensusCommit }

/** What a node is made from. Only `genesis` is required. */
export interface NodeInit {
  /** The chain: a decoded genesis, or the bytes of a genesis file. */
  genesis: Genesis | Uint8Array
  /** Ed25519 network key. @default a new one: the node has another peer id at every start */
  privateKey?: PrivateKey
  /** Where the chain is kept: a directory, made when it is not there, or an adapter of one's own, which the embedder closes. @default memory */
  store?: string | CommitStore
  /** Multiaddrs to listen on. @default ['/ip4/127.0.0.1/tcp/0'] */
  listen?: string[]
  /** Multiaddrs to announce instead of those listened on. @default those listened on */
  announce?: string[]
  /** Multiaddrs, each with its peer id, of nodes to begin with. @default [] */
  seeds?: string[]
  /** Multiaddrs, each with its peer id, of nodes to be connected to always: kept alive, never evicted, dialled again after any loss. @default [] */
  configured?: string[]
  /**
   * Who always gets in, whatever the limits: peer ids, or addresses with the peer id at their end, as in `/ip4/192.0.2.7/p2p/12D3KooW...`. One host may begin five
   * connections a second; that limit comes before anybody knows which peer it is, and holds for no IP address named here or by seeds, configured peers and validators. @default []
   */
  allowlist?: string[]
  /** Whether nobody may connect to this node but its allowlist and its configured peers. It dials whom it likes. @default false */
  private?: boolean
  /** Who may learn of this node: everyone, nobody, or the peers it has configured. @default 'public' */
  accessType?: AccessType
  /** Whether it takes part in the chain's DHT: as a server if it is public, else as a client. @default true */
  dht?: boolean | DhtOptions
  /** Groups addresses into subnets, for the limits on each. @default /24 and /48 of public addresses; private ones count for none */
  subnetOf?: (address: Multiaddr) => string | undefined
  /**
   * What measures the node: `createNodeMetrics()`, one for each node, for everything in Prometheus' form; or a factory of libp2p's metrics, to which libp2p, discovery,
   * peers and rpc add theirs. @default nothing is measured
   */
  metrics?: Libp2pInit['metrics'] | NodeInstruments
  /**
   * How an epoch hands over to the next: by the proof in its last commit (`proof`), or, on a chain that carries none, by a committee that the executing node inserts
   * (`inserted`): see `insertCommittee`. @default 'proof'
   */
  handOver?: HandOverMode
  /**
   * The state that an epoch hands over by this node's own execution, asked by the epoch's last commit before that is stored. Another one, signed by a quorum, halts
   * the sync, and `sendCommit` throws `CONSENSUS_INVALID`. Where it is `undefined`, or not there within two seconds, the chain goes on without it.
   * @default nothing is compared
   */
  localStateHash?: LocalStateHash
  /**
   * A commit known to be of the chain from elsewhere than from peers. Nothing that conflicts with it is accepted, by whatever keys it is signed. A store that is
   * empty begins at it, and never holds what lies before; one that is not goes on from where it stands, and is refused if it holds another chain. @default none
   */
  checkpoint?: NodeCheckpoint
  /** How much of what a quorum certified is verified anew: everything, or what proves the certification. @default 'full' */
  verification?: VerificationMode
  /**
   * Verifies the transactions of blocks: a verifier of one's own, or `'certified'` for certified user transactions and ends of publishing by the rules of
   * `createTransactionVerifier`, on the node's own signature threads. @default none: transactions are opaque
   */
  transactionVerifier?: TransactionVerifier | 'certified'
  /** Timing and limits; everything has a default. */
  config?: Partial<NodeConfig>
  /** Called with every fault of a peer, and what came of it: for alarms and metrics. It must not throw. @default nobody listens */
  onPeerReport?: (report: PeerReport) => void
  /** @default quiet */
  logger?: ComponentLogger
  clock?: Clock
  random?: Random
}

/** A trusted checkpoint as a node is given it: see `SomaNode.checkpoint` for where it comes from. */
export interface NodeCheckpoint {
  readonly commit: CommitRef
  /** Of the epoch that the chain goes on in after the commit: decoded, or the bytes of its `ValidatorSet`. */
  readonly committee: Committee | Uint8Array
  /** Where an empty store begins: at the checkpoint, or at the genesis as if there were none, until the chain has come to it. @default 'checkpoint' */
  readonly start?: CheckpointStart
}

/** The few knobs of a node. */
export interface NodeConfig {
  /** Connections that discovery aims for. @default 20 */
  targetConnections: number
  /** Most peers connected: beyond it, the one without protection that delivered least is evicted. @default 100 */
  maxConnections: number
  /** Most peers without protection connected from one subnet; never more than half of `targetConnections`. @default 5 */
  maxConnectionsPerSubnet: number
  /** Validators that a full node stays connected to; a validator stays connected to all of its committee. @default 4 */
  committeePeers: number
  /** Milliseconds between discovery's rounds. @default 5000 */
  discoveryIntervalMs: number
  /** Milliseconds between height queries to a peer. @default 5000 */
  heightQueryIntervalMs: number
  /** Commits of one range. @default 100 */
  commitsPerRange: number
  /** Ranges under way at once. @default 8 */
  maxRangesInFlight: number
  /** Milliseconds that everything may wait for one slow peer before another is asked, where there is one. @default 3000 */
  stallMs: number
  /** Milliseconds that the chain may stand, where it should come on, before the log says why. @default 10000 */
  stuckMs: number
  /** Bytes in flight for all of a sync: fetched and not yet stored. @default 134217728 (128 MiB) */
  maxBytesInFlight: number
  /** Commits that the sync may run ahead of the slowest durable cursor before it waits. @default Infinity: no bound */
  maxExecutorLead: number
  /** Threads that check signatures, shared by all nodes of the process. 0 checks on the main thread. @default the number of cores, at most 64 */
  signatureWorkers: number
  /** Commits to keep below the highest synced one; older ones are pruned. @default Infinity: keeps everything */
  keepCommits: number
  /**
   * What the node's own dials prefer to encrypt with. Noise is always spoken. With `tls` the node asks for TLS 1.3 first, and falls back to noise, a round trip later, where the
   * other node does not speak it; whoever dials it may choose. It pays where noise has no native cipher (`bench/README.md`). @default 'noise': nothing but noise is spoken
   */
  encryption: 'noise' | 'tls'
  /** Whether addresses of private ranges (loopback among them) are taken from gossip. @default true when listening on such addresses only */
  privateNetwork: boolean
}

/** The way of a validator's own consensus into the node. */
export interface ConsensusInterface {
  /**
   * Takes a commit from local consensus through the same door as synced ones. Resolves when it is stored.
   *
   * @returns `stored`, or `known` when the sync already had that very commit
   * @throws {ConsensusInterfaceError} `CONSENSUS_GAP`, `CONSENSUS_BROKEN_LINK`, `CONSENSUS_CONFLICT`, `CONSENSUS_UNCERTIFIED`, `CONSENSUS_INVALID`
   */
  sendCommit(commit: ConsensusCommit, options?: AbortOptions): Promise<'stored' | 'known'>
  /**
   * Tells consensus each time the sync has stored commits that consensus had not handed in. Returns the way to stop listening.
   */
  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void
}

/** One connected peer, for people. */
export interface PeerStatus {
  readonly peerId: string
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
  /** Most trusted source of its addresses; `inbound` where it came by itself and none is known. */
  readonly source: AddressSource | 'inbound'
  readonly connectedMs: number
  /** Whether it is never evicted: configured, in the allowlist, or one kept of the committee. */
  readonly isProtected: boolean
  /** What counts for it, and against it. */
  readonly score: {
    /** What it delivered lately: who delivers least is evicted first. */
    readonly bytesPerMinute: number
    /** Penalty points for breaches of the protocol, fading; a ban when they add up. */
    readonly penalty: number
  }
  readonly highestCommit: number | undefined
  readonly lowestCommit: number | undefined
}

/** A peer that is refused until a time. */
export interface PeerBan {
  readonly peerId: string
  /** The code of the error that led to it, or what the operator gave. */
  readonly reason: string
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly untilMs: number
}

/** How a peer is banned. */
export interface BanOptions {
  /** For people: 1 to 128 bytes. @default 'by the operator' */
  readonly reason?: string
  /** Milliseconds from 1 to 31,536,000,000 (a year). @default 3600000 (an hour) */
  readonly durationMs?: number
}

/** What the sync is at. */
export interface SyncStatus {
  /** Under way, the lowest first. */
  readonly ranges: readonly RangeStatus[]
  /** In the order of the pipeline. */
  readonly stages: readonly StageStatus[]
  /** Why the chain does not come on; `undefined` while it does, or while nothing is lacking. */
  readonly waiting: SyncWait | undefined
}

/** Where a node stands. */
export interface NodeStatus {
  readonly peerId: string
  readonly chainId: string
  readonly addresses: readonly string[]
  readonly role: 'validator' | 'full'
  readonly uptimeMs: number
  /** The epoch that the chain goes on in. */
  readonly epoch: number
  readonly highestSynced: { readonly index: number; readonly digest: string }
  /** The highest synced commit's own time, in milliseconds since the Unix epoch; that of the genesis where nothing is synced, `undefined` where the commit is not here. While the node is behind, it is so much late. */
  readonly highestSyncedAtMs: number | undefined
  readonly highestCertifiable: number
  readonly lowestAvailable: number
  /** The highest commit that any connected peer claims, believed for scheduling only. */
  readonly highestKnown: number
  /** Positions of subscribers by name. */
  readonly cursors: Readonly<Record<string, number>>
  readonly bytesInFlight: number
  readonly rangesInFlight: number
  /** What the sync is at. */
  readonly sync: SyncStatus
  readonly synced: { readonly commits: number; readonly blocks: number; readonly bytes: number }
  readonly peers: readonly PeerStatus[]
  readonly knownPeers: number
  readonly discovery: DiscoveryStatus
  readonly health: Readonly<Record<string, { readonly state: 'ok' | 'degraded' | 'failed'; readonly reason?: string }>>
  /** What happened lately, newest last, at most 100: what the log has lines for. */
  readonly events: readonly NodeEvent[]
}

/** A whole node. Made by `createNode`. */
export interface SomaNode {
  readonly peerId: PeerId
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly consensus: ConsensusInterface
  /** Multiaddrs under which the node is reached, each with its peer id. Empty before `start`. */
  addresses(): string[]
  /** Opens connections and begins to sync. */
  start(): Promise<void>
  /** Resolves with no timer, socket, thread or file handle left. Idempotent. */
  stop(): Promise<void>
  /** Resolves when the node has stopped: with the error that took it down, or with nothing when it was asked to stop. */
  readonly stopped: Promise<Error | undefined>
  /**
   * Takes the next epoch's committee from the node that executes, once it has executed the last commit of the epoch. Where epochs hand over by proof it is only
   * compared with the proven one; else the sync waits for it at that commit. Another committee than the proven one, or than was inserted before, halts the sync.
   *
   * @returns `stored`; `known` when it was already; `expected` when its proof is still to come
   * @throws {SyncError} `SYNC_COMMITTEE_CONFLICT`; `CONSENSUS_GAP` when the last commit is not stored yet; `CONSENSUS_INVALID` for another epoch than the next
   */
  insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'>
  /**
   * The checkpoint of a stored commit, for others to begin at: see `NodeInit.checkpoint`. It is worth as much as the way on which it reaches them.
   *
   * @param index @default the highest synced commit
   * @throws {NodeError} `COMMIT_NOT_STORED`
   */
  checkpoint(index?: number): Promise<TrustedCheckpoint>
  /** Every commit in order, without a gap. See `Delivery.subscribe`. */
  subscribe(options?: SubscribeOptions): AsyncIterable<CommittedSubDag>
  /**
   * Takes other configured peers, in place of those before. It closes no connection.
   *
   * @throws {NodeError} `CONFIG_INVALID` for an address without a peer id
   */
  setConfiguredPeers(addresses: readonly string[]): void
  /** Every ban that has not ended, the one that ends first first. */
  bans(): PeerBan[]
  /**
   * Refuses a peer for a while, and disconnects it at once. The ban is kept over restarts. One that ends later stays. For a peer that is configured, or in the
   * allowlist, no ban holds: take it off there first.
   *
   * @throws {NodeError} `BAN_INVALID`
   */
  ban(peerId: string, options?: BanOptions): Promise<void>
  /**
   * Lifts a ban, and forgets what led to it.
   *
   * @returns false when there is none
   * @throws {NodeError} `BAN_INVALID` for what is no peer id
   */
  unban(peerId: string): Promise<boolean>
  /** Adds to what happened lately, for `status` and the log: what an operator would want to know of the embedder's own parts. */
  reportEvent(event: NewEvent): void
  /** Prunes below a commit, never past a registered cursor unless forced. */
  prune(index: number, options?: { force?: boolean }): Promise<number>
  /** Says how a part of the embedder's own is, its executor say: `status` tells of it beside the node's own parts, whose names go before. */
  reportHealth(part: string, health: Health): void
  status(): Promise<NodeStatus>
}
