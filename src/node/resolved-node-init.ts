import type { ComponentLogger, PrivateKey } from '@libp2p/interface'
import type { Libp2pInit } from 'libp2p'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { AccessType } from '../discovery/index.ts'
import type { PeerReport } from '../peers/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { HandOverMode, LocalStateHash } from '../state-sync/index.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { VerificationMode } from '../verify/block-verifier.ts'
import type { NodeObserver } from './node-instruments.ts'
import type { NodeConfig, NodeInit } from './soma-node.ts'

/** `NodeInit` with every default filled in. */
export interface ResolvedNodeInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  /** Whether the node closes the store. */
  readonly isStoreOwned: boolean
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly seeds: readonly string[]
  readonly configured: readonly string[]
  readonly allowlist: readonly string[]
  readonly private: boolean
  readonly accessType: AccessType
  readonly dht: NonNullable<NodeInit['dht']>
  readonly subnetOf: NodeInit['subnetOf']
  readonly metrics: Libp2pInit['metrics']
  readonly observer: NodeObserver
  readonly handOver: HandOverMode
  readonly checkpoint: TrustedCheckpoint | undefined
  readonly localStateHash: LocalStateHash | undefined
  readonly verification: VerificationMode
  readonly transactionVerifier: NodeInit['transactionVerifier']
  readonly config: NodeConfig
  readonly onPeerReport: (report: PeerReport) => void
  readonly logger: ComponentLogger
  readonly clock: Clock
  readonly random: Random
}
