import type { BlockRef } from '../../../src/consensus/block-ref.ts'
import { contentDigest } from '../../../src/discovery/node-info.ts'
import { getKnownPeers } from '../../../src/discovery/protocols.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import {
  fetchBlocks,
  fetchCommits,
  getCommitAvailability,
  getCommitInfo,
  pushCommit
} from '../../../src/state-sync/protocols.ts'
import { filled } from './fields.ts'
import { certifiers, chainId, chainRound, commits, genesis, refsOf } from './fixture.ts'
import { exchangeVector, status, statusVector } from './frames.ts'
import { sealedInfo } from './sealed-infos.ts'

const ok = { status: status('ok') }
const [first, second] = commits as [(typeof commits)[0], (typeof commits)[0]]
const committed = [...first.commit.blocks, ...second.commit.blocks]
const all = [...chainRound(1), ...chainRound(2)]
const bytesOf = (refs: readonly BlockRef[]) =>
  refs.map((ref) => all.find((block) => toHex(block.ref.digest) === toHex(ref.digest))?.bytes ?? new Uint8Array(0))
const unknown: BlockRef = { epoch: 0, round: 7, author: 0, digest: filled(0xcc) }

export async function exchangeVectors(): Promise<unknown> {
  const [asker, server] = (await Promise.all([0, 1].map(sealedInfo))).map(({ sealed }) => sealed)
  const third = await sealedInfo(2)
  const other = third.sealed
  const byIndex = (index: number) => ({ latest: undefined, index, digest: undefined })
  return {
    about:
      'Frames as they go over a stream, each with its length before it, on the chain of chain.json: exchanges of every RPC, and every status.',
    chain_id: toHex(chainId),
    exchanges: [
      exchangeVector('two nodes exchange their infos, and the server adds one that it knows', getKnownPeers, {
        request: { ownInfo: asker, knownDigest: filled(0xdd), knownPrefixes: undefined },
        answer: [{ response: { ownInfo: server, knownInfos: [other] } }, ok]
      }),
      exchangeVector('an asker that wants to stay unknown', getKnownPeers, {
        request: { ownInfo: undefined, knownDigest: undefined, knownPrefixes: undefined },
        answer: [{ response: { ownInfo: server, knownInfos: [] } }, ok]
      }),
      exchangeVector('an asker that knows the other info already', getKnownPeers, {
        request: { ownInfo: asker, knownDigest: undefined, knownPrefixes: contentDigest(third.content).slice(0, 8) },
        answer: [{ response: { ownInfo: server, knownInfos: [] } }, ok]
      }),
      exchangeVector('what a server can prove', getCommitAvailability, {
        keepOpen: true,
        request: { timestampMs: genesis.startTimeMs },
        answer: [{ response: { highestCertifiable: 2, lowestAvailable: 1 } }, ok]
      }),
      exchangeVector('the chain id, as commit 0', getCommitInfo, {
        request: byIndex(0),
        answer: [{ response: { commit: { index: 0, digest: chainId } } }, ok]
      }),
      exchangeVector('the latest commit', getCommitInfo, {
        request: { latest: true, index: undefined, digest: undefined },
        answer: [{ response: { commit: second.ref } }, ok]
      }),
      exchangeVector('a commit by digest', getCommitInfo, {
        request: { latest: undefined, index: undefined, digest: first.ref.digest },
        answer: [{ response: { commit: first.ref } }, ok]
      }),
      exchangeVector('a commit that is not there', getCommitInfo, {
        request: byIndex(3),
        answer: [{ status: status('notFound', { message: 'no such commit', lowestAvailable: 1 }) }]
      }),
      exchangeVector('a whole catch-up, first half: two of a hundred commits, with proof', fetchCommits, {
        keepOpen: true,
        request: { start: 1, end: 100 },
        answer: [
          { response: { commits: commits.map(({ bytes }) => bytes), certifierBlocks: [] } },
          { response: { commits: [], certifierBlocks: certifiers.map(({ bytes }) => bytes) } },
          ok
        ]
      }),
      exchangeVector('a whole catch-up, second half: their blocks, in two frames', fetchBlocks, {
        request: { refs: committed },
        answer: [
          { response: { blocks: bytesOf(committed.slice(0, 3)) } },
          { response: { blocks: bytesOf(committed.slice(3)) } },
          ok
        ]
      }),
      exchangeVector('a block that the server lacks is left out', fetchBlocks, {
        request: { refs: [unknown, ...refsOf(chainRound(1).slice(0, 1))] },
        answer: [{ response: { blocks: bytesOf(refsOf(chainRound(1).slice(0, 1))) } }, ok]
      }),
      exchangeVector('an answer without blocks', fetchBlocks, { request: { refs: [unknown] }, answer: [ok] }),
      exchangeVector('a range out of bounds', fetchCommits, {
        request: { start: 0, end: 99 },
        answer: [{ status: status('invalidRequest', { message: 'from 1 on' }) }]
      }),
      exchangeVector('a new commit', pushCommit, {
        request: { commit: second.ref, lowestAvailable: 1 },
        answer: [{ response: {} }, ok]
      })
    ],
    statuses: [
      status('ok'),
      status('invalidRequest', { message: 'not a range' }),
      status('notFound', { message: 'pruned', lowestAvailable: 1_000 }),
      status('rateLimited', { retryAfterMs: 250 }),
      status('unavailable', { retryAfterMs: 0 }),
      status('internal')
    ].map(statusVector)
  }
}
