/**
 * State sync as a libp2p service: keeps a node's chain up to date with its peers', verified and in order.
 *
 * ```ts
 * const delivery = createDelivery({ store })
 * const gate = createPeerGate()
 * const { chainId } = genesis
 * const blockVerifier = createBlockVerifier({ chainId, signatures, getCommittee: (epoch) => store.getCommittee(epoch) })
 * const libp2p = await createLibp2p({
 *   connectionGater: gate.connectionGater,
 *   services: {
 *     identify: identify(),
 *     rpc: rpc({ chainId }),
 *     peers: peers({ gate }),
 *     stateSync: stateSync({
 *       genesis,
 *       store,
 *       blockVerifier,
 *       clock: systemClock,
 *       random: systemRandom,
 *       health: new HealthRegistry(),
 *       onStored: () => delivery.advance(),
 *       slowestCursor: () => delivery.slowest(),
 *       onFailure: (error) => console.error(error)
 *     })
 *   }
 * })
 * ```
 *
 * @packageDocumentation
 */
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import type { StateSync, StateSyncComponents, StateSyncInit } from './state-sync.ts'
import { StateSyncService } from './state-sync-service.ts'

/** Makes the state sync service. It needs the services `rpc` and `identify`. */
export function stateSync(init: StateSyncInit): (components: StateSyncComponents) => StateSync {
  return (components) =>
    Object.assign(new StateSyncService(components, init), {
      [serviceCapabilities]: ['@soma-p2p/state-sync'],
      [serviceDependencies]: ['@soma-p2p/rpc', '@soma-p2p/peers', '@libp2p/identify']
    })
}

export { applyCheckpoint, type CheckpointStart } from './apply-checkpoint.ts'
export { ChainFileError, type ChainFileErrorCode } from './chain-file.ts'
export type { HandOverMode } from './epoch-gate.ts'
export { type ExportChainInit, type ExportProgress, exportChain } from './export-chain.ts'
export type { LocalStateHash } from './hand-overs.ts'
export { type ImportChainInit, type ImportProgress, type ImportResult, importChain } from './import-chain.ts'
export type {
  PeerPolicy,
  RangeStatus,
  StageStatus,
  StateSync,
  StateSyncComponents,
  StateSyncConfig,
  StateSyncInit,
  StateSyncStatus,
  WriteRecord
} from './state-sync.ts'
export { type HaltEvidence, SyncError, type SyncErrorCode } from './sync-error.ts'
export type { PeerAnswer, SyncWait, SyncWaitCause } from './sync-wait.ts'
export {
  StoreDamagedError,
  type VerifiedChain,
  type VerifyProgress,
  type VerifyStoreInit,
  verifyStore
} from './verify-store.ts'
