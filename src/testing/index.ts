/**
 * For the tests of whoever embeds soma-p2p: chains without a consensus, and ways to break them; peers that lie (`startByzantinePeer`), links that delay, cut, throttle
 * and tear (`startDelayingProxy`), disks that fail (`FailingDisk`) and clocks that jump (`JumpingClock`).
 *
 * ```ts
 * import { buildChain, changingValidators, commitAt, votesFor, writeChain } from 'soma-p2p/testing'
 *
 * const chain = buildChain({ commits: 300, validators: 7 })
 * await writeChain(store, chain.commits)
 * const { ref } = commitAt(chain, 300).subDag.commit
 * const certifiers = votesFor(chain, ref, [0, 1, 2]) // three of seven: no quorum
 *
 * // ten epochs of thirty commits, in each of which one validator leaves and another joins
 * const epochs = { commits: 30, validators: changingValidators({ sizes: [7] }) }
 * const long = buildChain({ commits: 300, validators: 7, epochs })
 * ```
 *
 * @module
 */
export type { GetKnownPeersRequest, GetKnownPeersResponse } from '../discovery/messages.ts'
export type {
  FetchBlocksRequest,
  FetchBlocksResponse,
  FetchCommitsRequest,
  FetchCommitsResponse,
  GetCommitAvailabilityRequest,
  GetCommitAvailabilityResponse,
  GetCommitInfoRequest,
  GetCommitInfoResponse,
  PushCommitRequest,
  PushCommitResponse
} from '../state-sync/messages.ts'
export type { ByteLevel, DatabaseInit } from '../storage/database.ts'
export { type ByzantinePeer, type ByzantinePeerInit, type RpcName, startByzantinePeer } from './byzantine-peer.ts'
export type { AnswerLie, ByzantineScript, Misconduct, RawExchange, StreamLie } from './byzantine-peer-script.ts'
export {
  endedAfter,
  endlessPrefix,
  garbageFrame,
  oversizeFrame,
  silence,
  tornAfter,
  trickle
} from './byzantine-peer-streams.ts'
export { buildChain, type Chain, type ChainOptions, commitAt, forkChain, lastCommitOfEpoch } from './chain-builder.ts'
export { type ChangingValidatorsOptions, changingValidators } from './changing-validators.ts'
export {
  type BuiltCommittee,
  buildCommittee,
  type CommitteeMember,
  type CommitteeOptions
} from './committee-builder.ts'
export {
  type DelayingProxy,
  type DelayingProxyInit,
  type LinkCondition,
  startDelayingProxy,
  type TcpAddress
} from './delaying-proxy.ts'
export type { EpochPlan, ScriptedEpochs } from './epoch-schedule.ts'
export { type DiskFault, FailingDisk } from './failing-disk.ts'
export {
  breakSignature,
  type ForgeSecrets,
  firstBlock,
  flipBit,
  forgeBlock,
  forgeCommit,
  forgeSubDag,
  replaceCommit,
  votesFor
} from './forge.ts'
export { forgeCommittee, forgeHandOver, forgeLastCommit, forgeNextCommit, type HandOverForgery } from './forge-epoch.ts'
export { type BuiltGenesis, buildGenesis, type GenesisOptions, type GenesisValidator } from './genesis-builder.ts'
export { JumpingClock } from './jumping-clock.ts'
export type { Passage } from './proxied-connection.ts'
export { type ScriptedCommit, ScriptedConsensus, type ScriptedConsensusOptions } from './scripted-consensus.ts'
export type { ScriptedContent, ScriptedPlace } from './scripted-content.ts'
export { signBlock } from './sign-block.ts'
export {
  encodeCertified,
  encodeEndOfPublish,
  TransactionSigner,
  type TransactionSignerInit
} from './sign-transaction.ts'
export { type StoreFixture, type StoreUnderTest, storageConformance } from './storage-conformance.ts'
export { TestNetwork, type TestNodeOptions } from './test-network.ts'
export { unusedPort } from './unused-port.ts'
export { type Usurpation, usurpChain } from './usurp-chain.ts'
export { deriveValidatorKeys, generateValidatorKeys, networkPrivateKey, type ValidatorKeys } from './validator-keys.ts'
export { storeWriteOf, writeChain } from './write-chain.ts'
