import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptCommittee } from '../../src/discovery/kept-committee.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { makePeers, type TestPeer } from '../peers/make-peer.ts'
import { names } from './make-info.ts'

const all = await makePeers(21)
const [self, ...others] = all as [TestPeer, ...TestPeer[]]
const asPeers = (peers: readonly TestPeer[]) => peers.map(({ peerId }) => ({ peerId, addresses: [] }))
const make = (count = 4, seed = 1) => new KeptCommittee({ self: self.peerId, count, random: seededRandom(seed) })
const kept = (committee: KeptCommittee) => committee.peers().map(String).sort()

test('a validator keeps all the others', () => {
  const committee = make()
  committee.set(asPeers(all))
  assert.equal(committee.isValidator, true)
  assert.deepEqual(kept(committee), names(others))
  for (const { peerId } of others) for (let i = 0; i < 5; i++) assert.equal(committee.failed(peerId), false)
  assert.deepEqual(kept(committee), names(others))
})

test('a full node keeps a random few', () => {
  const choices = new Set<string>()
  for (let seed = 0; seed < 10; seed++) {
    const committee = make(4, seed)
    committee.set(asPeers(others))
    assert.equal(committee.isValidator, false)
    assert.equal(kept(committee).length, 4)
    choices.add(kept(committee).join())
  }
  assert.ok(choices.size > 5)
})

test('who is not reached three times in a row is given up for another, and comes back last', () => {
  const committee = make(2)
  committee.set(asPeers(others.slice(0, 3)))
  const [lost, other] = committee.peers()
  if (lost === undefined || other === undefined) throw new Error('two were to be kept')
  committee.failed(lost)
  committee.failed(lost)
  committee.connected(lost)
  assert.equal(committee.failed(lost), false, 'a connection ends the row')
  committee.failed(lost)
  assert.equal(committee.failed(lost), true)
  assert.equal(committee.has(lost), false)
  assert.equal(committee.has(other), true)
  assert.equal(committee.failed(lost), false, 'it is none of ours any more')
})

test('where there is no other, the same are tried for ever', () => {
  const committee = make(3)
  committee.set(asPeers(others.slice(0, 3)))
  for (let i = 0; i < 10; i++) for (const peerId of committee.peers()) assert.equal(committee.failed(peerId), false)
  assert.equal(kept(committee).length, 3)
})

test('over a change of the committee those stay who are still in it', () => {
  const committee = make(4)
  committee.set(asPeers(others.slice(0, 10)))
  const before = committee.peers()
  const [leaving, ...staying] = before
  committee.set(asPeers(others.filter(({ peerId }) => !leaving?.equals(peerId))))
  assert.equal(kept(committee).length, 4)
  for (const peerId of staying) assert.ok(committee.has(peerId))
  assert.ok(leaving && !committee.has(leaving))
})

test('a node that joins the committee keeps all of it, and one that leaves a few', () => {
  const committee = make(4)
  committee.set(asPeers(others))
  committee.set(asPeers(all))
  assert.equal(kept(committee).length, 20)
  committee.set(asPeers(others))
  assert.equal(committee.isValidator, false)
  assert.equal(kept(committee).length, 4)
})
