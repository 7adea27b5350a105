import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import type { DiscoveryEvent } from '../../src/discovery/discovery.ts'
import { InfoIntake } from '../../src/discovery/info-intake.ts'
import { KnownPeers } from '../../src/discovery/known-peers.ts'
import type { Peers, ReportContext } from '../../src/peers/index.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { CHAIN, NOW, names, seal } from './make-info.ts'

const [self, bearer, ...others] = (await makePeers(102)) as [TestPeer, TestPeer, ...TestPeer[]]
const [alice] = others as [TestPeer]
const signal = new AbortController().signal

function make({ capacity = 1_000, isConnected = false } = {}) {
  const reports: string[] = []
  const events: DiscoveryEvent[] = []
  const known = new KnownPeers({ capacity, random: { next: () => 0 }, isConnected: () => isConnected })
  const peers = {
    report: (peerId: PeerId, error: unknown, { consequence }: ReportContext) => {
      assert.ok(peerId.equals(bearer.peerId))
      reports.push(`${errorCode(error)} ${consequence}`)
    }
  } as unknown as Peers
  const intake = new InfoIntake({
    chainId: CHAIN,
    self: self.peerId,
    known,
    peers,
    clock: new ManualClock(NOW),
    privateNetwork: false,
    onEvent: (event) => events.push(event)
  })
  return { intake, known, reports, events }
}

const from = bearer.peerId

async function forge(peer: TestPeer): Promise<Uint8Array> {
  const sealed = await seal(peer)
  sealed[sealed.byteLength - 1] = (sealed[sealed.byteLength - 1] ?? 0) ^ 1
  return sealed
}

test('whatever is wrong with an answer counts once against its bearer', async () => {
  const { intake, reports, events } = make()
  const relayed = await Promise.all(others.map(forge))
  assert.equal(await intake.take({ from, ownInfo: undefined, relayed }, signal), false)
  assert.deepEqual(reports, ['INFO_BAD_SIGNATURE penalty'])
  assert.equal(events.length, 1)
  assert.deepEqual(intake.refused, { INFO_BAD_SIGNATURE: 100 })
})

test('what is nobody’s fault counts against nobody', async () => {
  const { intake, reports } = make()
  const relayed = [
    await seal(self),
    await seal(alice, { timestampMs: NOW + 60_000 }),
    await seal(alice, { timestampMs: 1 }),
    await seal(alice, { addresses: ['/ip4/10.0.0.1/tcp/1'] })
  ]
  await intake.take({ from, ownInfo: undefined, relayed }, signal)
  assert.deepEqual(reports, [])
  assert.deepEqual(intake.refused, { INFO_OWN: 1, INFO_FROM_FUTURE: 1, INFO_TOO_OLD: 1, INFO_NO_ADDRESS: 1 })
})

test('it says whether a peer became known, and tells of each once', async () => {
  const { intake, known, events } = make()
  const received = { from, ownInfo: await seal(bearer), relayed: [await seal(alice)] }
  assert.equal(await intake.take(received, signal), true)
  assert.deepEqual(names(known.infos()), names([bearer, alice]))
  assert.equal(await intake.take(received, signal), false)
  const newer = { from, ownInfo: undefined, relayed: [await seal(alice, { timestampMs: NOW + 1 })] }
  assert.equal(await intake.take(newer, signal), false, 'a newer info is no news of a peer')
  assert.equal(intake.learned, 3)
  assert.equal(events.length, 2)
})

test('an info in order that a full quota has no room for is counted, and is nobody’s fault', async () => {
  const { intake, known, reports } = make({ capacity: 5, isConnected: true }) // of five, one introducer fills one
  const relayed = await Promise.all(others.slice(0, 3).map((peer) => seal(peer)))
  assert.equal(await intake.take({ from, ownInfo: undefined, relayed }, signal), true)
  assert.equal(known.infos().length, 1)
  assert.deepEqual([intake.learned, intake.crowdedOut, intake.refused, reports], [1, 2, {}, []])
})

test('a long answer lets others have their turn, and ends when discovery stops', async () => {
  const { intake, known } = make()
  const relayed = await Promise.all(others.map((peer) => seal(peer)))
  const controller = new AbortController()
  const taking = intake.take({ from, ownInfo: undefined, relayed }, controller.signal)
  setImmediate(() => controller.abort())
  await assert.rejects(taking)
  assert.ok(known.infos().length < 100)
})
