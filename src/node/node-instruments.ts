import type { Libp2pInit } from 'libp2p'
import type { PeerReport } from '../peers/index.ts'
import type { ExchangeRecord } from '../rpc/index.ts'
import type { WriteRecord } from '../state-sync/index.ts'
import type { VerifyWork } from '../verify/verify-work.ts'
import type { SomaNode } from './soma-node.ts'

/** Is told of a node's work as it is done, by the request and by the batch. Its functions must be quick, and not throw. */
export interface NodeObserver {
  /** A request and its answer have ended, of either side. */
  readonly onExchange?: (exchange: ExchangeRecord) => void
  /** Something was verified. */
  readonly onVerified?: (work: VerifyWork) => void
  /** Commits were written, or refused by the store. */
  readonly onWritten?: (write: WriteRecord) => void
  /** A fault of a peer was judged. */
  readonly onPeerReport?: (report: PeerReport) => void
}

/** What measures one node. `createNodeMetrics` makes it. */
export interface NodeInstruments {
  /** For libp2p's own metrics, and those of the services in it. */
  readonly libp2p: NonNullable<Libp2pInit['metrics']>
  readonly observer: NodeObserver
  /** Called once, when the node is made. It may use it until `stopped` resolves. */
  attach(node: SomaNode): void
}
