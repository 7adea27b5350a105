import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { type Committee, decodeCommittee } from '../consensus/committee.ts'
import { ConsensusError } from '../consensus/consensus-error.ts'
import { decodeGenesis, type Genesis } from '../consensus/genesis.ts'
import { NO_CHAIN } from '../consensus/intent.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { applyCheckpoint } from '../state-sync/index.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { openLevelStore, openMemoryStore } from '../storage/index.ts'
import { verifyProofOfPossession } from '../verify/proof-of-possession.ts'
import { isLocalAddress } from './local-address.ts'
import { resolveConfig } from './node-config.ts'
import { NodeError } from './node-error.ts'
import { NodeService } from './node-service.ts'
import { checkPeerAddresses } from './peer-addresses.ts'
import { quietLogger } from './quiet-logger.ts'
import type { NodeCheckpoint, NodeInit, SomaNode } from './soma-node.ts'

/** The oldest major version of Node with all that is used. */
const OLDEST_NODE = 22

/**
 * Makes a whole node: discovery, state sync, storage and delivery on one libp2p (seed: P2P Builder). Nothing is opened to the network before
 * `start()`.
 *
 * @example
 *
 * ```typescript
 * const node = await createNode({ genesis, store: 'data', seeds: ['/ip4/127.0.0.1/tcp/9000/p2p/12D3KooW...'] })
 * await node.start()
 * for await (const subDag of node.subscribe({ name: 'executor' })) await execute(subDag)
 * ```
 *
 * @throws {ConsensusError} for a genesis that cannot start a chain
 * @throws {StorageError} when the store does not open
 * @throws {SyncError} `SYNC_CHECKPOINT_CONFLICT` when the store holds another chain than the trusted checkpoint is of
 * @throws {NodeError} `CONFIG_INVALID`, naming the key and what it should be; `NODE_UNSUPPORTED` on a Node older than 22
 */
export async function createNode(init: NodeInit): Promise<SomaNode> {
  checkRuntime(process.versions.node)
  const genesis = init.genesis instanceof Uint8Array ? decodeGenesis(init.genesis) : init.genesis
  verifyGenesisProofs(genesis)
  const listen = init.listen ?? ['/ip4/127.0.0.1/tcp/0']
  const { announce = [], seeds = [], configured = [] } = init
  checkAddresses([...listen, ...announce])
  checkPeerAddresses('a seed', seeds)
  checkPeerAddresses('a configured peer', configured)
  const config = resolveConfig(init.config ?? {}, {
    privateNetwork: [...listen, ...announce].every(isLocalAddress)
  })
  const privateKey = init.privateKey ?? (await generateKeyPair('Ed25519'))
  const checkpoint = init.checkpoint && decodeCheckpoint(init.checkpoint)
  const [factory, instruments] =
    typeof init.metrics === 'object' ? [undefined, init.metrics] : [init.metrics, undefined]
  const { store, isOwned } = await openStore(init.store, genesis)
  try {
    if (checkpoint !== undefined) await applyCheckpoint(store, checkpoint, init.checkpoint?.start)
    const node = await NodeService.create({
      genesis,
      store,
      isStoreOwned: isOwned,
      privateKey,
      listen,
      announce,
      seeds,
      configured,
      allowlist: init.allowlist ?? [],
      private: init.private ?? false,
      accessType: init.accessType ?? 'public',
      dht: init.dht ?? true,
      subnetOf: init.subnetOf,
      metrics: instruments?.libp2p ?? factory,
      observer: instruments?.observer ?? {},
      handOver: init.handOver ?? 'proof',
      checkpoint,
      localStateHash: init.localStateHash,
      verification: init.verification ?? 'full',
      transactionVerifier: init.transactionVerifier,
      config,
      onPeerReport: init.onPeerReport ?? (() => {}),
      logger: init.logger ?? quietLogger(),
      clock: init.clock ?? systemClock,
      random: init.random ?? systemRandom
    })
    instruments?.attach(node)
    return node
  } catch (thrown) {
    if (isOwned) await store.close()
    throw thrown
  }
}

function decodeCheckpoint({ commit, committee }: NodeCheckpoint): TrustedCheckpoint {
  const { index, digest } = commit
  if (!Number.isSafeInteger(index + 1) || index < 1 || digest.byteLength !== DIGEST_LENGTH) {
    throw new NodeError('CONFIG_INVALID', `checkpoint.commit should be a commit from 1 on and its digest, not ${index}`)
  }
  if (!(committee instanceof Uint8Array)) return { commit, committee }
  try {
    return { commit, committee: decodeCommittee(committee) }
  } catch (cause) {
    if (!(cause instanceof ConsensusError)) throw cause
    throw new NodeError('CONFIG_INVALID', `checkpoint.committee should be one: ${cause.message}`, { cause })
  }
}

async function openStore(
  given: string | CommitStore | undefined,
  genesis: Genesis
): Promise<{ store: CommitStore; isOwned: boolean }> {
  if (given === undefined) return { store: await openMemoryStore({ genesis }), isOwned: true }
  if (typeof given === 'string') return { store: await openLevelStore(given, { genesis }), isOwned: true }
  return { store: given, isOwned: false }
}

function verifyGenesisProofs(genesis: Genesis): void {
  const committee: Committee = genesis.committee
  const unproven = committee.validators.findIndex((validator) => !verifyProofOfPossession(validator, NO_CHAIN))
  if (unproven === -1) return
  throw new ConsensusError('GENESIS_INVALID', `validator ${unproven} does not prove possession of its authority key`)
}

function checkAddresses(addresses: readonly string[]): void {
  for (const address of addresses) {
    try {
      multiaddr(address)
    } catch (cause) {
      throw new NodeError('CONFIG_INVALID', `"${address}" is not a multiaddr such as /ip4/127.0.0.1/tcp/9000`, {
        cause
      })
    }
  }
}

/** An old Node imports all of this, and lacks what it needs at the first call. */
function checkRuntime(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return
  throw new NodeError('NODE_UNSUPPORTED', `soma-p2p needs Node ${OLDEST_NODE} or newer and this is ${version}`)
}
