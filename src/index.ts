/**
 * The peer-to-peer stack of a DAG-BFT validator node: discovery, verified state sync and in-order commit delivery on libp2p.
 *
 * `createNode` is the short way to a whole node; the services behind it go into one's own `createLibp2p` as well.
 *
 * @packageDocumentation
 */

export type { Block } from './consensus/block.ts'
export { type BlockRef, blockRefKey, blockRefsEqual, formatBlockRef, genesisBlockRef } from './consensus/block-ref.ts'
export {
  type Commit,
  decodeCommit,
  type EncodedCommit,
  encodeCommit,
  type TrustedCommit,
  trustCommit
} from './consensus/commit.ts'
export { type CommitRef, type CommitVote, commitRefsEqual } from './consensus/commit-ref.ts'
export { type CommittedSubDag, subDagBytes } from './consensus/committed-sub-dag.ts'
export { type Committee, decodeCommittee, encodeCommittee } from './consensus/committee.ts'
export { ConsensusError, type ConsensusErrorCode } from './consensus/consensus-error.ts'
export { type Digest, type DigestDomain, digestKey, digestOf } from './consensus/digest.ts'
export type { EndOfEpochData } from './consensus/end-of-epoch.ts'
export {
  decodeGenesis,
  encodeGenesis,
  type Genesis,
  type GenesisContent,
  genesisCommitRef
} from './consensus/genesis.ts'
export { type IntentScope, intentMessage, intentPrefix, NO_CHAIN } from './consensus/intent.ts'
export { decodeSignedBlock, type SignedBlock, trustBlock, type VerifiedBlock } from './consensus/signed-block.ts'
export { StakeAggregator } from './consensus/stake-aggregator.ts'
export {
  type CertifiedTransaction,
  type ConsensusTransaction,
  certificateMessage,
  consensusTransactionMessage,
  type EndOfPublish,
  type TransactionCertificate,
  transactionDigest,
  transactionMessage
} from './consensus/transaction.ts'
export type { TrustedCheckpoint } from './consensus/trusted-checkpoint.ts'
export type { Validator, ValidatorSet } from './consensus/validator-set.ts'
export { normaliseVotingPowers } from './consensus/voting-power.ts'
export { createDelivery, type DeliveryInit } from './delivery/commit-delivery.ts'
export type { Delivery, SubscribeOptions } from './delivery/delivery.ts'
export { DeliveryError, type DeliveryErrorCode } from './delivery/delivery-error.ts'
export * from './discovery/index.ts'
export { createNode } from './node/create-node.ts'
export { NODE_DEFAULTS } from './node/node-config.ts'
export { NodeError, type NodeErrorCode } from './node/node-error.ts'
export type { NewEvent, NodeEvent, NodeEventKind } from './node/node-events.ts'
export type { NodeInstruments, NodeObserver } from './node/node-instruments.ts'
export { type ComponentLevels, DEFAULT_COMPONENT_LEVELS, pinoLogger } from './node/pino-logger.ts'
export type {
  BanOptions,
  ConsensusCommit,
  ConsensusInterface,
  NodeCheckpoint,
  NodeConfig,
  NodeInit,
  NodeStatus,
  PeerBan,
  PeerStatus,
  SomaNode,
  SyncStatus
} from './node/soma-node.ts'
export * from './operator/index.ts'
export * from './peers/index.ts'
export * from './rpc/index.ts'
export { type Clock, systemClock } from './runtime/clock.ts'
export { type Health, HealthRegistry } from './runtime/health.ts'
export { fromHex, toHex } from './runtime/hex.ts'
export { type Random, seededRandom, systemRandom } from './runtime/random.ts'
export { errorCode, SomaError } from './runtime/soma-error.ts'
export { WireError, type WireErrorCode } from './runtime/wire-error.ts'

export type { FieldType, Limit, WireField, WireMessage } from './runtime/wire-field.ts'

/** Messages of protocols of one's own: tables of fields, each with its limit, read and written as protobuf. */
export * as wire from './runtime/wire-message.ts'

export * from './state-sync/index.ts'
export * from './storage/index.ts'
export {
  type BlockVerifier,
  type BlockVerifierInit,
  createBlockVerifier,
  type VerificationMode
} from './verify/block-verifier.ts'
export type { BlsCheck, BlsVerifier } from './verify/bls-verifier.ts'
export { acquireSignaturePool, type SignaturePool, type SignaturePoolOptions } from './verify/signature-pool.ts'
export type { SignatureCheck, SignatureVerifier } from './verify/signature-verifier.ts'
export {
  createTransactionVerifier,
  type InvalidTransaction,
  type TransactionVerifier,
  type TransactionVerifierInit,
  type VerifyTransactionsOptions
} from './verify/transaction-verifier.ts'
export { VerifyError, type VerifyErrorCode, type VerifyErrorOptions } from './verify/verify-error.ts'
export type { VerifyWork } from './verify/verify-work.ts'
