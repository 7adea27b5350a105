import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import {
  type GetKnownPeersRequest,
  getKnownPeersRequestMessage,
  getKnownPeersResponseMessage,
  MAX_NODE_INFOS,
  MAX_SIGNED_NODE_INFO_BYTES
} from '../../src/discovery/messages.ts'
import type { NodeInfo } from '../../src/discovery/node-info.ts'
import {
  type AnswerContext,
  answerKnownPeers,
  knownDigest,
  knowsMore,
  requestKnownPeers
} from '../../src/discovery/peer-exchange.ts'
import { getKnownPeers, MAX_ANSWER_BYTES } from '../../src/discovery/protocols.ts'
import { RpcError } from '../../src/rpc/index.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeer, makePeers, type TestPeer } from '../peers/make-peer.ts'
import { HOUR, makeInfo, NOW } from './make-info.ts'

const SEED = 5
/** Of an asker that knows nobody. */
const nothing = { knownDigest: undefined, knownPrefixes: undefined }
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
  for (const info of infos) known.learn(info, info.peerId) // each by itself: no introducer's quota is at stake
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
  const answer = answerKnownPeers(nothing, context({ infos: [a, b, askers] }))
  assert.deepEqual(answer.ownInfo, own.sealed)
  assert.deepEqual(set(answer.knownInfos), sealedOf(a, b))
})

test('private infos are never relayed, trusted ones to configured peers only', async () => {
  const open = await makeInfo(alice)
  const hidden = await makeInfo(bob, { accessType: 2 })
  const guarded = await makeInfo(carol, { accessType: 3 })
  const infos = [open, hidden, guarded]
  assert.deepEqual(set(answerKnownPeers(nothing, context({ infos })).knownInfos), sealedOf(open))
  const friendly = answerKnownPeers(nothing, context({ infos, friends: [asker] }))
  assert.deepEqual(set(friendly.knownInfos), sealedOf(open, guarded))
})

test('the own info of a node that is not public goes to configured peers only', async () => {
  for (const accessType of [2, 3]) {
    const rest = { own: await makeInfo(server, { accessType }) }
    assert.equal(answerKnownPeers(nothing, context({ infos: [], rest })).ownInfo, undefined)
    assert.deepEqual(answerKnownPeers(nothing, context({ infos: [], friends: [asker], rest })).ownInfo, rest.own.sealed)
  }
})

test('infos that are too old and those of banned peers are left out', async () => {
  const [old, fresh, bad] = [
    await makeInfo(alice),
    await makeInfo(bob, { timestampMs: NOW + HOUR }),
    await makeInfo(carol)
  ]
  const situation = { infos: [old, fresh, bad], banned: [carol], rest: { now: NOW + 24 * HOUR + 1 } }
  assert.deepEqual(set(answerKnownPeers(nothing, context(situation)).knownInfos), sealedOf(fresh))
})

test('of many infos 200 are sent, those of connected peers among them and first', async () => {
  const infos = await Promise.all(peers.map((peer) => makeInfo(peer)))
  const connected = peers.slice(100, 150)
  const { knownInfos } = answerKnownPeers(nothing, context({ infos, connected }))
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
  const answer = answerKnownPeers(nothing, context({ infos }))
  const bytes = getKnownPeersResponseMessage.encode(answer).byteLength
  assert.ok(bytes <= MAX_ANSWER_BYTES && MAX_ANSWER_BYTES < getKnownPeers.maxResponseBytes)
  assert.ok(answer.knownInfos.length > 100, 'as many as fit')
})

test('who knows the same gets the own info alone', async () => {
  const [a, b, askers] = [await makeInfo(alice), await makeInfo(bob), await makeInfo(asker)]
  const same = knownDigest([b, own, a], askers, NOW)
  const answer = answerKnownPeers({ ...nothing, knownDigest: same }, context({ infos: [a, askers, b] }))
  assert.deepEqual(answer, { ownInfo: own.sealed, knownInfos: [] })
  const less = knownDigest([own, a], askers, NOW)
  assert.deepEqual(
    set(answerKnownPeers({ ...nothing, knownDigest: less }, context({ infos: [a, askers, b] })).knownInfos),
    sealedOf(a, b)
  )
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

/** What a node asks the server with. */
function request(infos: readonly NodeInfo[], friends: readonly TestPeer[] = [], now = NOW) {
  const { known } = context({ infos, friends })
  return requestKnownPeers({ server: server.peerId, own: undefined, known, now, random: seededRandom(SEED) })
}

const answerTo = (askers: readonly NodeInfo[], servers: readonly NodeInfo[]) =>
  set(answerKnownPeers(request(askers), context({ infos: servers })).knownInfos)

test('what the asker knows is left out, renewed within the hour too; what has changed is sent', async () => {
  const start = Math.floor(NOW / HOUR) * HOUR
  const [a, b, c] = [
    await makeInfo(alice, { timestampMs: start }),
    await makeInfo(bob, { timestampMs: start }),
    await makeInfo(carol, { timestampMs: start })
  ]
  assert.deepEqual(answerTo([a, c], [a, b, c]), sealedOf(b))
  const renewed = await makeInfo(alice, { timestampMs: start + HOUR - 1 })
  const moved = await makeInfo(bob, { timestampMs: start + 1, addresses: ['/ip4/9.9.9.9/tcp/1'] })
  const nextHour = await makeInfo(carol, { timestampMs: start + HOUR })
  assert.deepEqual(answerTo([a, b, c], [renewed, moved, nextHour]), sealedOf(moved, nextHour))
})

test('the own info is answered whatever the asker knows', async () => {
  assert.deepEqual(answerKnownPeers(request([own]), context({ infos: [] })).ownInfo, own.sealed)
})

test('a request tells of what the server may have too, and of nothing else', async () => {
  const open = await makeInfo(alice)
  const hidden = await makeInfo(bob, { accessType: 2 })
  const guarded = await makeInfo(carol, { accessType: 3 })
  const hexOf = ({ knownPrefixes = new Uint8Array(1) }: GetKnownPeersRequest) => toHex(knownPrefixes)
  const prefixes = (...infos: NodeInfo[]) => infos.map(({ digest }) => toHex(digest.subarray(0, 8))).join('')
  assert.equal(hexOf(request([open, hidden, guarded])), prefixes(open))
  assert.equal(hexOf(request([open, hidden, guarded], [server])), prefixes(open, guarded))
  assert.equal(hexOf(request([open], [], NOW + 24 * HOUR + 1)), '')
})

test('of more infos than a request holds 2,000 are told at random, and the digest of all', async () => {
  const template = await makeInfo(alice)
  const digests = Array.from({ length: 2_500 }, (_, number) => {
    const digest = new Uint8Array(32)
    new DataView(digest.buffer).setUint32(0, number)
    return digest
  })
  const infos = digests.map((digest) => ({ ...template, digest }))
  const ask = (count: number, seed: number) => {
    const known = Object.assign(context({ infos: [] }).known, { infos: () => infos.slice(0, count) })
    return requestKnownPeers({ server: server.peerId, own, known, now: NOW, random: seededRandom(seed) })
  }
  const [all, some, others] = [ask(2_000, 1), ask(2_500, 1), ask(2_500, 2)]
  assert.equal(all.knownDigest, undefined)
  assert.deepEqual(some.knownDigest, knownDigest(infos, own, NOW))
  for (const { knownPrefixes } of [all, some, others]) assert.equal(knownPrefixes?.byteLength, 16_000)
  assert.notDeepEqual(some.knownPrefixes, others.knownPrefixes)
  const largest = { ...some, ownInfo: new Uint8Array(MAX_SIGNED_NODE_INFO_BYTES) }
  assert.ok(getKnownPeersRequestMessage.encode(largest).byteLength < getKnownPeers.maxRequestBytes)
})

test('prefixes of which the last is cut short are refused, repeated and invented ones do no harm', async () => {
  const a = await makeInfo(alice)
  for (const length of [1, 7, 9, 15_999]) {
    assert.throws(
      () => answerKnownPeers({ ...nothing, knownPrefixes: new Uint8Array(length) }, context({ infos: [a] })),
      (thrown) => thrown instanceof RpcError && thrown.code === 'RPC_INVALID_REQUEST'
    )
  }
  const knownPrefixes = new Uint8Array(16_000).fill(0xab)
  assert.deepEqual(
    set(answerKnownPeers({ ...nothing, knownPrefixes }, context({ infos: [a] })).knownInfos),
    sealedOf(a)
  )
})

test('an asker knows more where it names an info that is not known here, or names none at all', async () => {
  const [a, b] = [await makeInfo(alice), await makeInfo(bob)]
  const { known } = context({ infos: [a] })
  const naming = (...infos: NodeInfo[]) => ({
    knownPrefixes: Uint8Array.from(infos.flatMap(({ digest }) => [...digest.subarray(0, 8)]))
  })
  assert.equal(knowsMore(naming(a, own), known, own), false)
  assert.equal(knowsMore(naming(), known, own), false)
  assert.equal(knowsMore(naming(a, b), known, own), true)
  assert.equal(knowsMore(naming(own), known, undefined), true)
  assert.equal(knowsMore({ knownPrefixes: undefined }, known, own), true)
})
