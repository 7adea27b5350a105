import { decodeCommit } from '../../src/consensus/commit.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import type { FetchCommitsResponse } from '../../src/state-sync/messages.ts'
import { pushCommit } from '../../src/state-sync/protocols.ts'
import {
  type ByzantinePeer,
  type ByzantineScript,
  breakSignature,
  endlessPrefix,
  type ForgeSecrets,
  forgeBlock,
  forgeCommit,
  oversizeFrame,
  silence,
  tornAfter,
  trickle
} from '../../src/testing/index.ts'
import type { LieName } from './lie-names.ts'

/** What a liar has to lie with: the keys of all, of which it may use its own. */
export interface LiarSecrets extends ForgeSecrets {
  readonly consensus: NonNullable<ForgeSecrets['consensus']>
  /** Its public protocol key, by which it knows its own blocks. */
  readonly protocolKey: Uint8Array
}

/** How often a peer that pushes does, and how many at a time. */
const PUSHES = 50

/** What a liar does when it is asked. */
export function scriptOf(lie: LieName, secrets: LiarSecrets): ByzantineScript {
  switch (lie) {
    case 'claims-the-sky':
      return available(Number.MAX_SAFE_INTEGER, 1)
    case 'claims-and-withholds':
      return { ...available(1_000_000, 1), fetchCommits: { stream: silence() }, fetchBlocks: { stream: silence() } }
    case 'claims-nothing':
      return available(1, Number.MAX_SAFE_INTEGER)
    case 'breaks-blocks':
      return blocksLie((blocks) =>
        changedInTheMiddle(blocks, (bytes) => breakSignature(decodeSignedBlock(bytes)).bytes)
      )
    case 'reorders-blocks':
      return blocksLie((blocks) => blocks.toReversed())
    case 'forges-own-blocks':
      return blocksLie((blocks) => blocks.map((bytes) => ownBlockForged(bytes, secrets)))
    case 'breaks-commits':
      return commitsLie(({ commits }) => ({
        commits: changedInTheMiddle(commits, (bytes) => {
          const commit = decodeCommit(bytes)
          return forgeCommit(commit, { timestampMs: commit.commit.timestampMs + 1 }).bytes
        })
      }))
    case 'cuts-commits':
      return commitsLie(({ commits }) => ({ commits: commits.slice(1) }))
    case 'breaks-certifiers':
      return certifiersLie((blocks) =>
        changedInTheMiddle(blocks, (bytes) => breakSignature(decodeSignedBlock(bytes)).bytes)
      )
    case 'withholds-certifiers':
      return certifiersLie((blocks) => blocks.slice(1))
    case 'votes-twice':
      return certifiersLie((blocks) => [...blocks, ...blocks.map((bytes) => ownBlockForged(bytes, secrets))])
    case 'tears':
      return { fetchCommits: { stream: tornAfter(300) }, fetchBlocks: { stream: tornAfter(2_000) } }
    case 'trickles':
      return { fetchCommits: { stream: trickle(20) }, fetchBlocks: { stream: trickle(20) } }
    case 'talks-garbage':
      return { getCommitInfo: { stream: endlessPrefix() }, getKnownPeers: { stream: endlessPrefix() } }
    case 'oversizes':
      return { fetchCommits: { stream: oversizeFrame() }, getCommitAvailability: { stream: oversizeFrame() } }
    case 'puts-off': {
      const refuse = () => Promise.reject(new RpcError('RPC_RATE_LIMITED', 'later', { retryAfterMs: 1_000_000 }))
      return { fetchCommits: { answer: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }) } }
    }
    case 'pushes':
      return {}
  }
}

/** What it does by itself to a peer that it is connected to. @throws {RpcError} */
export async function harass(lie: LieName, liar: ByzantinePeer, victim: ByzantinePeer['peerId']): Promise<void> {
  if (lie !== 'pushes') return
  const { rpc } = liar.libp2p.services
  for (let push = 0; push < PUSHES; push++) {
    const commit = { index: Number.MAX_SAFE_INTEGER - push, digest: new Uint8Array(32).fill(push) }
    await rpc.call(victim, pushCommit, { commit, lowestAvailable: 1 })
  }
}

function available(highestCertifiable: number, lowestAvailable: number): ByzantineScript {
  return {
    getCommitAvailability: {
      async *answer() {
        yield { highestCertifiable, lowestAvailable }
      }
    }
  }
}

function blocksLie(lie: (blocks: readonly Uint8Array[]) => readonly Uint8Array[]): ByzantineScript {
  return {
    fetchBlocks: {
      async *answer(honest) {
        for await (const { blocks } of honest) yield { blocks: lie(blocks) }
      }
    }
  }
}

function commitsLie(lie: (whole: FetchCommitsResponse) => Partial<FetchCommitsResponse>): ByzantineScript {
  return {
    fetchCommits: {
      async *answer(honest) {
        const frames = await Array.fromAsync(honest)
        const whole = {
          commits: frames.flatMap(({ commits }) => commits),
          certifierBlocks: frames.flatMap(({ certifierBlocks }) => certifierBlocks)
        }
        yield { ...whole, ...lie(whole) }
      }
    }
  }
}

function certifiersLie(lie: (blocks: readonly Uint8Array[]) => readonly Uint8Array[]): ByzantineScript {
  return commitsLie(({ certifierBlocks }) => ({ certifierBlocks: lie(certifierBlocks) }))
}

function changedInTheMiddle<T>(items: readonly T[], change: (item: T) => T): T[] {
  const middle = Math.floor(items.length / 2)
  return items.map((item, index) => (index === middle ? change(item) : item))
}

/** Another block of the same round where it is its own: it equivocates. */
function ownBlockForged(bytes: Uint8Array, secrets: LiarSecrets): Uint8Array {
  const block = decodeSignedBlock(bytes)
  const { committee } = secrets.consensus.epoch(block.ref.epoch)
  const author = committee.validators[block.ref.author]
  const isOwn = author !== undefined && Buffer.compare(author.protocolKey, secrets.protocolKey) === 0
  return isOwn ? forgeBlock(secrets, block, { timestampMs: block.block.timestampMs + 1 }).bytes : bytes
}
