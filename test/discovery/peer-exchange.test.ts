import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import { getKnownPeersResponseMessage, MAX_NODE_INFOS } from '../../src/discovery/messages.ts'
import type { NodeInfo } from '../../src/discovery/node-info.ts'
import { type AnswerContext, answerKnownPeers, knownDigest } from '../../src/discovery/peer-exchange.ts'
import { getKnownPeers, MAX_ANSWER_BYTES } from '../../src/discovery/protocols.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeer, makePeers, type TestPeer } from '../peers/make-peer.ts'
import { HOUR, makeInfo, NOW } from './make-info.ts'

const SEED = 5
const asker = await makePeer(1_000)
const server = await makePeer(1_001)
const own = await makeInfo(server)
const peers = await makePeers(300)
const [alice, bob, carol] = peers as [TestPeer, TestPeer, TestPeer]

interface Situation {
  readonly infos: readonly NodeInfo[]
  readonly connected?: readonly TestPeer[]
  readonly friends?: readonly TestPeer[]
  readonly banned?: readonly TestPeer[]
  readonly rest?: Partial<AnswerContext>
}

function context({ infos, connected = [], friends = [], banned = [], rest = {} }: Situation): AnswerContext {
  const known = new KnownPeers({ capacity: 1_000, random: seededRandom(SEED), isConnected: () => false })
  for (const info of infos) known.learn(info, server.peerId)
  known.setSource(
    'configured',
    friends.map(({ peerId }) => ({ peerId, addresses: [] }))
  )
  return {
    asker: asker.peerId,
    own,
    known,
    now: NOW,
    random: seededRandom(SEED),
    isConnected: (peerId) => connected.some((peer) => peer.peerId.equals(peerId)),
    isBanned: (peerId) => banned.some((peer) => peer.peerId.equals(peerId)),
    ...rest
  }
}

const set = (sealed: readonly Uint8Array[]) => new Set(sealed.map(toHex))
const sealedOf = (...infos: NodeInfo[]) => set(infos.map((info) => info.sealed))

test('an answer holds the own info and all others but the asker’s, as they were sealed', async () => {
  const [a, b, askers] = [await makeInfo(alice), await makeInfo(bob), await makeInfo(asker)]
  const answer = answerKnownPeers(undefined, context({ infos: [a, b, askers] }))
  assert.deepEqual(answer.ownInfo, own.sealed)
  assert.deepEqual(set(answer.knownInfos), sealedOf(a, b))
})

test('private infos are never relayed, trusted ones to configured peers only', async () => {
  const open = await makeInfo(alice)
  const hidden = await makeInfo(bob, { accessType: 2 })
  const guarded = await makeInfo(carol, { accessType: 3 })
  const infos = [open, hidden, guarded]
  assert.deepEqual(set(answerKnownPeers(undefined, context({ infos })).knownInfos), sealedOf(open))
  const friendly = answerKnownPeers(undefined, context({ infos, friends: [asker] }))
  assert.deepEqual(set(friendly.knownInfos), sealedOf(open, guarded))
})

test('the own info of a node that is not public goes to configured peers only', async () => {
  for (const accessType of [2, 3]) {
    const rest = { own: await makeInfo(server, { accessType }) }
    assert.equal(answerKnownPeers(undefined, context({ infos: [], rest })).ownInfo, undefined)
    assert.deepEqual(
      answerKnownPeers(undefined, context({ infos: [], friends: [asker], rest })).ownInfo,
      rest.own.sealed
    )
  }
})

test('infos that are too old and those of banned peers are left out', async () => {
  const [old, fresh, bad] = [
    await makeInfo(alice),
    await makeInfo(bob, { timestampMs: NOW + HOUR }),
    await makeInfo(carol)
  ]
  const situation = { infos: [old, fresh, bad], banned: [carol], rest: { now: NOW + 24 * HOUR + 1 } }
  assert.deepEqual(set(answerKnownPeers(undefined, context(situation)).knownInfos), sealedOf(fresh))
})

test('of many infos 200 are sent, those of connected peers among them and first', async () => {
  const infos = await Promise.all(peers.map((peer) => makeInfo(peer)))
  const connected = peers.slice(100, 150)
  const { knownInfos } = answerKnownPeers(undefined, context({ infos, connected }))
  assert.equal(knownInfos.length, MAX_NODE_INFOS)
  assert.deepEqual(set(knownInfos.slice(0, 50)), sealedOf(...infos.slice(100, 150)))
  assert.equal(set(knownInfos).size, MAX_NODE_INFOS, `seed ${SEED}`)
})

test('an answer of the largest infos fits into its frame', async () => {
  const addresses = Array.from(
    { length: 8 },
    (_, i) => `/dns4/${`${i}`.padEnd(60, 'x')}${`.${'y'.repeat(60)}`.repeat(14)}/tcp/4001`
  )
  const infos = await Promise.all(peers.map((peer) => makeInfo(peer, { addresses })))
  const answer = answerKnownPeers(undefined, context({ infos }))
  const bytes = getKnownPeersResponseMessage.encode(answer).byteLength
  assert.ok(bytes <= MAX_ANSWER_BYTES && MAX_ANSWER_BYTES < getKnownPeers.maxResponseBytes)
  assert.ok(answer.knownInfos.length > 100, 'as many as fit')
})

test('who knows the same gets the own info alone', async () => {
  const [a, b, askers] = [await makeInfo(alice), await makeInfo(bob), await makeInfo(asker)]
  const same = knownDigest([b, own, a], askers, NOW)
  const answer = answerKnownPeers(same, context({ infos: [a, askers, b] }))
  assert.deepEqual(answer, { ownInfo: own.sealed, knownInfos: [] })
  const less = knownDigest([own, a], askers, NOW)
  assert.deepEqual(set(answerKnownPeers(less, context({ infos: [a, askers, b] })).knownInfos), sealedOf(a, b))
})

test('what a node knows is the same in any order, without what it may not tell, and renewed within the hour', async () => {
  const start = Math.floor(NOW / HOUR) * HOUR
  const [a, b] = [await makeInfo(alice, { timestampMs: start }), await makeInfo(bob, { timestampMs: start })]
  const renewed = await makeInfo(alice, { timestampMs: start + 5_000 })
  const hidden = await makeInfo(carol, { accessType: 2, timestampMs: start })
  const digest = (infos: NodeInfo[], mine?: NodeInfo, now = NOW) => toHex(knownDigest(infos, mine, now))
  const base = digest([a, b])
  assert.equal(digest([b, a]), base)
  assert.equal(digest([b], a), base)
  assert.equal(digest([renewed, b]), base)
  assert.equal(digest([a, b, hidden]), base)
  assert.notEqual(digest([a]), base)
  assert.equal(digest([a, b], undefined, start + 24 * HOUR + 1), digest([]))
})
